package lockstore

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"slavedriver/engine"
)

// What stores know of the slaves, besides their leases. In Redis it is kept in
//
//	slavedriver:{NS.slaves}:noted    hash: of each name what the slave said of itself, and when   a day after the last note
//	slavedriver:{NS.slaves}:watched  hash: of each known slave whether it is up or lost           a day after the last look
//	slavedriver:{NS.slaves}:born     as a tag's; written on a cluster alone, to see whether this node answers   for good
//	slavedriver:{NS.slaves}:history  stream of the last 10,000 ended runs, or somewhat more       for good
//
// roster.lua says what stands in the first two.

//go:embed roster.lua
var rosterScript string

const (
	// slaveKept is how long a slave is known that is not heard of any more.
	slaveKept = 24 * time.Hour
	// unwatchedFor is how long nobody may have looked at a name for its silence
	// to count: slaves look each minute. While the server was away, nobody could
	// be noted either.
	unwatchedFor = 100 * time.Second
	// reportFor is how long a report may take to be made before another slave is
	// given it.
	reportFor = 150 * time.Second
	// lookEvery bounds the work of a server with many slaves: each of them
	// would look at all of them each minute.
	lookEvery = 20 * time.Second
	// historyLength is how many ended runs are kept at least.
	historyLength = 10_000
	// historyPiece is how many of them are read at a time.
	historyPiece = 1000
)

func (k keyspace) roster(name string) string {
	return fmt.Sprintf("slavedriver:{%s.slaves}:%s", k, name)
}

// Note is engine.Roster's.
func (s *redisStore) Note(ctx context.Context, note engine.Note) (engine.Muster, error) {
	args, err := noteArgs(note)
	if err != nil {
		return engine.Muster{}, err
	}
	var muster engine.Muster
	err = s.onLine(ctx, func(ctx context.Context, client redis.UniversalClient) error {
		keys := []string{s.keys.roster("noted"), s.keys.roster("watched")}
		value, err := redis.NewScript(rosterScript).Run(ctx, client, keys, args...).Slice()
		if err != nil {
			return err
		}
		muster, err = musterOf(value)
		return err
	})
	return muster, s.rosterFailed("note this slave in", err)
}

// noteArgs are the arguments of roster.lua.
func noteArgs(note engine.Note) ([]any, error) {
	words, err := json.Marshal(note.Slave)
	if err != nil {
		return nil, fmt.Errorf("cannot encode what this slave says of itself: %w", err)
	}
	args := []any{note.Slave.Name, note.Slave.ID, words, listID(note.Watch)}
	for _, d := range []time.Duration{engine.LostAfter, slaveKept, unwatchedFor, reportFor, lookEvery} {
		args = append(args, d.Milliseconds())
	}
	for _, r := range note.Made {
		args = append(args, r.Name, stateOf(r), millis(r.LastSeen))
	}
	args = append(args, "")
	for _, name := range note.Watch {
		args = append(args, name)
	}
	return args, nil
}

const stateReturned = "returned"

func stateOf(r engine.SlaveReport) string {
	if r.Returned {
		return stateReturned
	}
	return "lost"
}

// listID tells one list of names from another, "" for none.
func listID(names []string) string {
	if len(names) == 0 {
		return ""
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(names, "\n")))
	return strconv.FormatUint(h.Sum64(), 36)
}

// musterOf reads what roster.lua returns.
func musterOf(value []any) (m engine.Muster, err error) {
	wrong := fmt.Errorf("the server's reply is not the script's: %v", value)
	if len(value) < 2 || (len(value)-2)%3 != 0 {
		return m, wrong
	}
	now, ok1 := value[0].(int64)
	mine, ok2 := value[1].(string)
	if !ok1 || !ok2 {
		return m, wrong
	}
	m.Now, m.Namesakes = time.UnixMilli(now), slavesOf(mine)
	for rest := value[2:]; len(rest) > 0; rest = rest[3:] {
		name, okN := rest[0].(string)
		state, okS := rest[1].(string)
		seen, okL := rest[2].(int64)
		if !okN || !okS || !okL {
			return m, wrong
		}
		m.Reports = append(m.Reports, engine.SlaveReport{Name: name, Returned: state == stateReturned, LastSeen: fromMillis(seen)})
	}
	return m, nil
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// slavesOf reads what stands under one name. What cannot be understood, of a
// later version say, is left out.
func slavesOf(text string) (all []engine.Slave) {
	for line := range strings.Lines(text) {
		var s engine.Slave
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
		if len(parts) != 4 || json.Unmarshal([]byte(parts[3]), &s) != nil {
			continue
		}
		first, err1 := strconv.ParseInt(parts[1], 10, 64)
		seen, err2 := strconv.ParseInt(parts[2], 10, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		s.ID, s.First, s.Seen = parts[0], time.UnixMilli(first), time.UnixMilli(seen)
		all = append(all, s)
	}
	return all
}

// Slaves is engine.Roster's.
func (s *redisStore) Slaves(ctx context.Context) (all []engine.Slave, now time.Time, err error) {
	err = s.onLine(ctx, func(ctx context.Context, client redis.UniversalClient) (err error) {
		if now, err = client.Time(ctx).Result(); err != nil {
			return err
		}
		noted, err := client.HVals(ctx, s.keys.roster("noted")).Result()
		if err != nil {
			return err
		}
		for _, text := range noted {
			for _, one := range slavesOf(text) {
				if now.Sub(one.Seen) <= slaveKept {
					all = append(all, one)
				}
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b engine.Slave) int { return cmp.Or(cmp.Compare(a.Name, b.Name), a.First.Compare(b.First)) })
	return all, now, s.rosterFailed("read the slaves from", err)
}

// AddEnded is engine.Roster's, in one round trip.
func (s *redisStore) AddEnded(ctx context.Context, ended []engine.Outcome) error {
	err := s.onLine(ctx, func(ctx context.Context, client redis.UniversalClient) error {
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, o := range ended {
				line, err := json.Marshal(o)
				if err != nil {
					return err
				}
				p.XAdd(ctx, &redis.XAddArgs{
					Stream: s.keys.roster("history"), MaxLen: historyLength, Approx: true, Values: []any{"run", line},
				})
			}
			return nil
		})
		return err
	})
	return s.rosterFailed("write the history in", err)
}

// History is engine.Roster's. A run that was added twice, because the answer to
// the first time was lost, is there once.
func (s *redisStore) History(ctx context.Context, job string, most int) (all []engine.Outcome, err error) {
	there := map[string]bool{}
	err = s.onLine(ctx, func(ctx context.Context, client redis.UniversalClient) error {
		for end := "+"; len(all) < most; {
			entries, err := client.XRevRangeN(ctx, s.keys.roster("history"), end, "-", historyPiece).Result()
			if err != nil || len(entries) == 0 {
				return err
			}
			for _, entry := range entries {
				var o engine.Outcome
				line, _ := entry.Values["run"].(string)
				if json.Unmarshal([]byte(line), &o) != nil || there[outcomeKey(o)] || job != "" && o.Job != job || len(all) == most {
					continue
				}
				there[outcomeKey(o)] = true
				all = append(all, o)
			}
			end = "(" + entries[len(entries)-1].ID
		}
		return nil
	})
	slices.Reverse(all)
	return all, s.rosterFailed("read the history from", err)
}

// onLine is line.call for what is no lease.
func (s *redisStore) onLine(ctx context.Context, do func(context.Context, redis.UniversalClient) error) error {
	_, err := s.line.call(ctx, func(ctx context.Context, client redis.UniversalClient) ([]reply, error) {
		return nil, do(ctx, client)
	})
	return err
}

// rosterFailed tells what a server refuses from one that cannot be reached.
func (s *redisStore) rosterFailed(what string, err error) error {
	if err == nil {
		return nil
	}
	cause := fmt.Errorf("cannot %s the lock store %s: %w%s", what, s.address.shown, s.address.scrub(err), s.hint(err))
	var answer redis.Error
	if redis.IsPermissionError(err) || errors.As(err, &answer) && strings.HasPrefix(answer.Error(), "ERR ") {
		return fmt.Errorf("%w: %w", engine.ErrRefused, cause)
	}
	return cause
}
