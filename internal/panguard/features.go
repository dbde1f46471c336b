package panguard

// features are what one pass over a text tells: enough to leave out most of the searches for most texts.
type features struct {
	// digits may be digits: those of ASCII, and two bytes each of what is not ASCII.
	digits int
	// encoded is the length of the longest run of base64's characters, of which those of hexadecimal are a part.
	encoded int
	// escapes: it has a character with which an escape begins.
	escapes bool
	zeros   bool
	// ebcdic are digits of IBM's character set.
	ebcdic int
}

// Classes of bytes.
const (
	classDigit = 1 << iota
	classHex
	classBase64
	classEscape
	classForeign
	classZero
	classEBCDIC
)

var classes = func() (classes [256]uint8) {
	in := func(characters string, class uint8) {
		for i := range len(characters) {
			classes[characters[i]] |= class
		}
	}
	in("0123456789", classDigit)
	in("0123456789abcdefABCDEF", classHex)
	in("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_", classBase64) // both alphabets
	in(`%\&`, classEscape)
	in("\x00", classZero)
	in("\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", classEBCDIC)
	for c := 0x80; c < len(classes); c++ {
		classes[c] |= classForeign
	}
	return classes
}()

func featuresOf[T string | []byte](text T) features {
	var f features
	digits, foreign, length := 0, 0, 0
	var seen uint8
	for i := range len(text) {
		class := classes[text[i]]
		seen |= class
		digits += int(class & classDigit)
		if class&classBase64 != 0 {
			length++
			continue
		}
		if class&classForeign != 0 {
			foreign++
		}
		if class&classEBCDIC != 0 {
			f.ebcdic++
		}
		f.encoded = max(f.encoded, length)
		length = 0
	}
	f.encoded = max(f.encoded, length)
	f.digits = digits + foreign/2 // no digit of another script has fewer bytes
	f.escapes, f.zeros = seen&classEscape != 0, seen&classZero != 0
	return f
}

// enoughDigits: a card number may stand in the text as it is.
func (f features) enoughDigits() bool { return f.digits >= minDigits }

// suspicious: a card number may stand in the text, as it is or under an encoding other than base64 of packed digits.
func (f features) suspicious() bool {
	return f.enoughDigits() || f.escapes || f.encoded >= minBase64
}
