package lockstore

import (
	"fmt"
	"strconv"
	"time"

	"slavedriver/engine"
)

// parseReply reads what lease.lua returns: { answer, fence, holder, since in
// milliseconds, 1 if the memory begins now, now in milliseconds }.
func parseReply(value any) (reply, error) {
	parts, _ := value.([]any)
	if len(parts) != 6 {
		return reply{}, fmt.Errorf("the server's reply is not the script's: %v", value)
	}
	answer, ok1 := parts[0].(int64)
	holder, ok2 := parts[2].(string)
	since, ok3 := parts[3].(int64)
	begins, ok4 := parts[4].(int64)
	now, ok5 := parts[5].(int64)
	fence, err := strconv.ParseInt(fmt.Sprint(parts[1]), 10, 64)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || err != nil {
		return reply{}, fmt.Errorf("the server's reply is not the script's: %v", value)
	}
	grant := grantOf(engine.Answer(answer), fence, holder, since)
	grant.Now = time.UnixMilli(now)
	return reply{grant: grant, begins: begins == 1}, nil
}

// grantOf says with each answer only what belongs to it.
func grantOf(answer engine.Answer, fence int64, holder string, since int64) engine.Grant {
	g := engine.Grant{Answer: answer}
	switch answer {
	case engine.Granted:
		g.Fence = fence
	case engine.Claimed, engine.Used:
		g.Holder = holder
	case engine.Held:
		g.Holder, g.Since = holder, time.UnixMilli(since)
	}
	return g
}

// millis is a time as the stores keep it, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
