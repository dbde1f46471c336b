package edges

import (
	"fmt"
	"slices"
)

// watched is a metric of a resource: the last of its dimensions names it.
type watched struct{ namespace, metric, of string }

// indexAlarms finds which alarms watch what.
func (w *walk) indexAlarms() {
	w.alarms = map[watched][]string{}
	for _, id := range w.ofType("AWS::CloudWatch::Alarm") {
		w.index(id, w.get(id))
		for _, query := range list(w.get(id, "Metrics")) {
			w.index(id, within(query, "MetricStat", "Metric"))
		}
	}
}

func (w *walk) index(alarm string, metric any) {
	namespace, given := within(metric, "Namespace").(string)
	if !given {
		return
	}
	dimensions := list(within(metric, "Dimensions"))
	if len(dimensions) == 0 {
		w.lacks("%s: the metric has no dimension", w.alarmName(alarm))
		return
	}
	last := dimensions[len(dimensions)-1]
	what := watched{namespace, fmt.Sprint(within(metric, "MetricName")), referred(within(last, "Value"))}
	if w.Resources[what.of].Type == "" {
		w.lacks("%s: it watches nothing of this template", w.alarmName(alarm))
		return
	}
	w.alarms[what] = append(w.alarms[what], alarm)
}

// watching is the names of the alarms on a metric of a resource, of which there must be one.
func (w *walk) watching(namespace, metric, of string) []string {
	var names []string
	for _, id := range w.alarms[watched{namespace, metric, of}] {
		w.used[id] = true
		names = append(names, w.alarmName(id))
	}
	if len(names) == 0 {
		w.lacks("%s: no alarm watches its %s %s", name(of), namespace, metric)
	}
	return names
}

// alarmName is the name by which `payrail alarms` calls it.
func (w *walk) alarmName(id string) string {
	if given, ok := w.get(id, "AlarmName").(string); ok {
		return given
	}
	return name(id)
}

// alarmActions is the way of the alarms themselves to people.
func (w *walk) alarmActions() {
	tells := map[string]int{}
	for _, id := range slices.Concat(w.ofType("AWS::CloudWatch::Alarm"), w.ofType("AWS::CloudWatch::CompositeAlarm")) {
		actions := list(w.get(id, "AlarmActions"))
		if len(actions) != 1 || w.Resources[referred(actions[0])].Type != "AWS::SNS::Topic" {
			w.lacks("%s: it does not tell the operator topic alone", w.alarmName(id))
			continue
		}
		tells[referred(actions[0])]++
	}
	for _, topic := range w.ofType("AWS::SNS::Topic") {
		if n := tells[topic]; n > 0 {
			w.add(Edge{Kind: AlarmToTopic, From: fmt.Sprintf("%d alarms", n), To: name(topic), Ends: []string{"the alarm's own state"}})
		}
	}
}
