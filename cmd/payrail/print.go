package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// printJSON writes a value for machines.
func (a *application) printJSON(value any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// printLine writes a value for machines that read line by line.
func (a *application) printLine(value any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// isTerminal reports whether a person looks at w; pipes and files get plain text.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// colour is an ANSI colour of meaning: good, bad, set aside, or quiet.
type colour string

const (
	good  colour = "\x1b[32m"
	bad   colour = "\x1b[31m"
	aside colour = "\x1b[33m"
	quiet colour = "\x1b[2m"
	bold  colour = "\x1b[1m"
	reset        = "\x1b[0m"
)

// paint colours text on a terminal that takes colours; NO_COLOR and pipes get it plain.
func (a *application) paint(c colour, text string) string {
	if !isTerminal(a.stdout) || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return string(c) + text + reset
}

// colours are the sequences that paint writes.
var colours = strings.NewReplacer(string(good), "", string(bad), "", string(aside), "", string(quiet), "", string(bold), "", reset, "")

// width is how many columns a text takes on a terminal: its colours take none.
func width(text string) int { return utf8.RuneCountInString(colours.Replace(text)) }

// table prints rows under a header, columns as wide as their widest cell; cells of the columns in right are set to the right.
func (a *application) table(header []string, rows [][]string, right ...int) {
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	alignRight := map[int]bool{}
	for _, i := range right {
		alignRight[i] = true
	}
	line := func(cells []string) string {
		var b strings.Builder
		for i, cell := range cells {
			padding := strings.Repeat(" ", widths[i]-width(cell))
			if alignRight[i] {
				cell, padding = padding+cell, ""
			}
			b.WriteString(cell + padding + "  ")
		}
		return strings.TrimRight(b.String(), " ")
	}
	fmt.Fprintln(a.stdout, a.paint(bold, line(header)))
	for _, row := range rows {
		fmt.Fprintln(a.stdout, line(row))
	}
}
