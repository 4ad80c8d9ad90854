package lockstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"slavedriver/engine"
)

// reply is the script's, to one call.
type reply struct {
	err    error // why there is none; nothing is known of its claims then
	news   bool  // the memory of this tag begins with this call, or is known as lost with it
	grants []engine.Grant
}

// errNotOurs is what the error of a reply is that the script did not give.
var errNotOurs = errors.New("the server's reply is not the script's")

// replyOf is what came of a call that is about so many claims; batch is the error
// of all the calls that were made with it.
func replyOf(cmd redis.Cmder, claims int, batch error) reply {
	if err := cmd.Err(); err != nil {
		return reply{err: err}
	}
	value := cmd.(*redis.Cmd).Val()
	switch r, ok := parseReply(value, claims); {
	case ok:
		return r
	case batch != nil:
		return reply{err: batch}
	}
	return reply{err: fmt.Errorf("%w: %v", errNotOurs, value)}
}

// all is the error of calls where each of them must have been answered: err, or
// that of the first reply that has one.
func all(replies []reply, err error) error {
	for _, r := range replies {
		if err == nil {
			err = r.err
		}
	}
	return err
}

// parseReply reads what lease.lua returns: { 1 if there is news of the memory,
// now in milliseconds, then for each claim answer, fence, since in
// milliseconds, holder }.
func parseReply(value any, claims int) (reply, bool) {
	parts, _ := value.([]any)
	if len(parts) != 2+4*claims {
		return reply{}, false
	}
	news, ok1 := parts[0].(int64)
	now, ok2 := parts[1].(int64)
	r := reply{news: news == 1, grants: make([]engine.Grant, claims)}
	for i := range r.grants {
		part := parts[2+4*i:]
		answer, okA := part[0].(int64)
		fence, okF := part[1].(int64)
		since, okS := part[2].(int64)
		holder, okH := part[3].(string)
		if !okA || !okF || !okS || !okH {
			return r, false
		}
		r.grants[i] = grantOf(engine.Answer(answer), fence, holder, since)
		r.grants[i].Now = time.UnixMilli(now)
	}
	return r, ok1 && ok2
}

// grantOf says with each answer only what belongs to it.
func grantOf(answer engine.Answer, fence int64, holder string, since int64) engine.Grant {
	g := engine.Grant{Answer: answer}
	switch answer {
	case engine.Granted:
		g.Fence, g.Since = fence, timeOf(since)
	case engine.Claimed, engine.Used:
		g.Holder = holder
	case engine.Held:
		g.Holder, g.Since = holder, time.UnixMilli(since)
	}
	return g
}

// timeOf is the time that millis gave.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// millis is a time as the stores keep it, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
