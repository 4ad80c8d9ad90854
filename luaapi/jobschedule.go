package luaapi

import (
	"math"
	"strconv"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/schedule"
)

const exclusive = "a job has either a schedule or runAtDateTime"

// scheduleOption is when the job is due again and again.
func scheduleOption() field[job] {
	return field[job]{
		name: "schedule", typ: "cron expression, list of them, or function", def: "",
		doc: "When the job is due: a cron expression, a list of them, or a function `(now)` that returns true in the minutes in which it is; `now` is a table as of os.date(\"*t\"), with `epoch`.",
		set: setSchedule,
		get: func(_ site, j *job) lua.LValue {
			switch {
			case !j.runAt.IsZero() || len(j.ScheduleText) == 0:
				return lua.LNil
			case len(j.ScheduleText) == 1:
				return lua.LString(j.ScheduleText[0])
			}
			return words.encode(j.ScheduleText)
		},
		unset: func(j *job) {
			if j.runAt.IsZero() {
				j.Schedule, j.ScheduleText, j.ScheduleFunc = nil, nil, false
			}
		},
	}
}

// setSchedule stores an expression, several as their union, or notes that a
// function is to be asked.
func setSchedule(at site, j *job, v lua.LValue) error {
	if !j.runAt.IsZero() {
		return wrong("cannot be set together with runAtDateTime: %s", exclusive)
	}
	if _, ok := v.(*lua.LFunction); ok {
		j.Schedule, j.ScheduleText, j.ScheduleFunc = nil, []string{"function"}, true
		return nil
	}
	lines, err := expressions(at, v)
	if err != nil {
		return err
	}
	parsed, err := at.s.parse(lines, j.Location)
	if err != nil {
		return err
	}
	j.Schedule, j.ScheduleText, j.ScheduleFunc = parsed, lines, false
	return nil
}

// expressions is a schedule as a list, whether it was one or not.
func expressions(at site, v lua.LValue) ([]string, error) {
	switch v.(type) {
	case lua.LString:
		if v == lua.LString("") {
			return nil, wrong("must not be empty").hinting(`write "30 2 * * *" or "@daily"; a job that is not to start has enabled = false`)
		}
		expr, err := line.decode(at, v)
		return []string{expr}, err
	case *lua.LTable:
		lines, err := words.decode(at, v)
		if err == nil && len(lines) == 0 {
			err = wrong("must not be empty")
		}
		return lines, err
	}
	return nil, mustBe("a cron expression, a list of them, or a function", v)
}

// runAtOption is the one moment at which the job is due.
func runAtOption() field[job] {
	return field[job]{
		name: "runAtDateTime", typ: "date and time, or number", def: "",
		doc: "The one minute in which the job is due: \"2027-01-31 04:00\" in the job's time zone, or a number as of os.time().",
		set: setRunAt,
		get: func(_ site, j *job) lua.LValue {
			if j.runAt.IsZero() {
				return lua.LNil
			}
			return lua.LNumber(j.runAt.Unix())
		},
		unset: func(j *job) {
			if !j.runAt.IsZero() {
				j.runAt, j.runAtText, j.Schedule, j.ScheduleText = time.Time{}, "", nil, nil
			}
		},
	}
}

// setRunAt takes also what is over: the file stays as it is after the date, and
// the job is simply never due again.
func setRunAt(_ site, j *job, v lua.LValue) error {
	if j.runAt.IsZero() && len(j.ScheduleText) > 0 {
		return wrong("cannot be set together with schedule: %s", exclusive)
	}
	t, text, err := toTime(v, j.Location)
	if err != nil {
		return err
	}
	j.setRunAt(t, text)
	return nil
}

// setRunAt makes the job due at t; text is what stood there, if it was read in
// the job's zone.
func (j *job) setRunAt(t time.Time, text string) {
	t = t.In(j.Location)
	j.runAt, j.runAtText, j.Schedule, j.ScheduleText = t, text, schedule.At(t), []string{t.Format(time.RFC3339)}
}

// dateLayouts are the forms of a date and time without a zone.
var dateLayouts = []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"}

// toTime reads a number as of os.time(), or a date and time of a zone, which is
// given back too.
func toTime(v lua.LValue, loc *time.Location) (t time.Time, text string, err error) {
	switch v := v.(type) {
	case lua.LNumber:
		// Years 1970 to 9999: what RFC 3339 can hold.
		if float64(v) == math.Trunc(float64(v)) && v > 0 && v < 253402300800 {
			return time.Unix(int64(v), 0), "", nil
		}
	case lua.LString:
		for _, layout := range dateLayouts {
			t, err := time.ParseInLocation(layout, string(v), loc)
			wall, _ := time.Parse(layout, string(v)) // 4:00 is 04:00
			switch {
			case err != nil:
			case t.Format(layout) != wall.Format(layout):
				return t, "", wrong("%s does not exist in the zone %s: its clocks skip that time", describe(v), loc).
					hinting("write " + strconv.Quote(changeNear(t).Format(layout)) + ", to which they go, or a time before")
			default:
				return t, string(v), nil
			}
		}
	}
	m := mustBe("a date and time", v)
	if text, ok := v.(lua.LString); ok && schedule.NoSuchTime(string(text)) != "" {
		m.message += ": " + schedule.NoSuchTime(string(text))
		return time.Time{}, "", m
	}
	return time.Time{}, "", m.hinting(`write "2027-01-31 04:00", or a number as of os.time()`)
}

// changeNear is the change of its zone's clock that is nearest to t; there is one.
func changeNear(t time.Time) time.Time {
	start, end := t.ZoneBounds()
	if start.IsZero() || !end.IsZero() && end.Sub(t) < t.Sub(start) {
		return end.In(t.Location())
	}
	return start
}

// timezoneOption is the zone in which the job's schedule is meant. It may be
// set before the schedule or after it.
func timezoneOption() field[job] {
	return field[job]{
		name: "timezone", typ: "name of a time zone", def: "the host's",
		doc: "The time zone in which schedule and runAtDateTime are meant, as the IANA database names it: \"Europe/London\".",
		set: func(at site, j *job, v lua.LValue) error {
			name, err := line.decode(at, v)
			if err != nil {
				return err
			}
			loc, err := schedule.Zone(name)
			if err != nil {
				return notValid(v, err)
			}
			return j.setZone(at.s, name, loc)
		},
		get:   func(_ site, j *job) lua.LValue { return fromText(j.Timezone) },
		unset: func(j *job) { _ = j.setZone(nil, "", time.Local) },
	}
}

// setZone moves what the job says about times into a zone.
func (j *job) setZone(s *Script, name string, loc *time.Location) error {
	old := j.Location
	j.Timezone, j.Location = name, loc
	switch {
	case j.runAtText != "":
		t, _, err := toTime(lua.LString(j.runAtText), loc)
		j.setRunAt(t, j.runAtText)
		return err
	case !j.runAt.IsZero():
		j.setRunAt(j.runAt, "")
	case j.Schedule != nil && old != loc:
		parsed, err := s.parse(j.ScheduleText, loc)
		j.Schedule = parsed
		return err
	}
	return nil
}

// restoredRunAt finds out whether a job that was rebuilt from its run had a
// runAtDateTime: only that is written as RFC 3339.
func restoredRunAt(text []string) time.Time {
	if len(text) != 1 {
		return time.Time{}
	}
	t, _ := time.Parse(time.RFC3339, text[0])
	return t
}
