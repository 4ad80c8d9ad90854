package schedule

import (
	"math/bits"
	"time"
)

const day = 24 * 60 * 60 // seconds of a wall-clock day, which knows no changes

// timesOfDay is a set of seconds of a day, 0 to 86399. None is empty.
type timesOfDay interface {
	// from is the first second that is not before the given one, if there is one.
	from(second int) (int, bool)
	// before is how many there are before a second, which is 86400 at most.
	before(second int) int
}

// set holds small numbers, one a bit.
type set uint64

func (s set) has(v int) bool   { return s>>v&1 != 0 }
func (s set) from(v int) set   { return s >> v << v }
func (s set) before(v int) set { return s &^ s.from(v) }
func (s set) first() int       { return bits.TrailingZeros64(uint64(s)) }
func (s set) len() int         { return bits.OnesCount64(uint64(s)) }

// clockFields are all combinations of some seconds, minutes and hours.
type clockFields struct{ seconds, minutes, hours set }

func (f *clockFields) from(second int) (int, bool) {
	h, m, s := second/3600, second/60%60, second%60
	if f.hours.has(h) {
		if rest := f.seconds.from(s); f.minutes.has(m) && rest != 0 {
			return h*3600 + m*60 + rest.first(), true
		}
		if rest := f.minutes.from(m + 1); rest != 0 {
			return h*3600 + rest.first()*60 + f.seconds.first(), true
		}
	}
	rest := f.hours.from(h + 1)
	if rest == 0 {
		return 0, false
	}
	return rest.first()*3600 + f.minutes.first()*60 + f.seconds.first(), true
}

func (f *clockFields) before(second int) int {
	h, m, s := second/3600, second/60%60, second%60
	n := f.hours.before(h).len() * f.minutes.len() * f.seconds.len()
	if !f.hours.has(h) {
		return n
	}
	n += f.minutes.before(m).len() * f.seconds.len()
	if f.minutes.has(m) {
		n += f.seconds.before(s).len()
	}
	return n
}

// interval is midnight and every so many seconds from there.
type interval int

func (i interval) from(second int) (int, bool) {
	next := i.before(second) * int(i)
	return next, next < day
}

func (i interval) before(second int) int { return (second + int(i) - 1) / int(i) }

// secondOf is how far a wall-clock time is from its midnight.
func secondOf(wall time.Time) int {
	hour, minute, second := wall.Clock()
	return hour*3600 + minute*60 + second
}
