// Package cloudwatch is the local runtime's Amazon CloudWatch, as far as alarms need it: metrics in periods of a minute, metric
// alarms and composite alarms evaluated as CloudWatch documents it, their history, and notifications to topics.
//
//	services' counters ──Collect, once a minute──▶ store ──Evaluate──▶ metric alarms ──▶ composite alarms ──▶ topics
//	PutMetricData, functions' embedded metrics ───▶
//
// Services count for themselves; once a minute on the injected clock the counters are read, put into the store for the minute
// that is over, and every alarm is evaluated. What an alarm asks for and the package does not do is refused when the alarm is
// made: high resolution, percentiles and other extended statistics, anomaly detection, PromQL, metric math beyond SUM, MAX and +.
package cloudwatch
