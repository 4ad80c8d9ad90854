package world

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"slavedriver/engine"
	"slavedriver/modules"
)

// network is the modules.Sender of a slave, or of its outbox.
type network struct {
	s      *Slave
	outbox bool
}

// HTTP records the request, and answers as the world's rules say.
func (n network) HTTP(ctx context.Context, r *modules.Request) (*modules.Response, error) {
	w, slave := n.s.w, n.s.name
	w.mu.Lock()
	a := pick(w.answers, func(a *Answer) bool { return here(a.Slave, slave) && engine.MatchPattern(a.Pattern, r.URL) })
	answer := Answer{Fails: nobody(r.URL)}
	if a != nil {
		answer = *a
	}
	w.requests = append(w.requests, Request{
		Time: time.Now(), Slave: slave, Request: r, Try: n.try("http " + idempotencyKey(r)), Status: answered(answer, r),
	})
	w.note(slave, fmt.Sprintf("%s %s: %s", r.Method, r.Server(), result(answer.Fails, fmt.Sprint(answer.Status))))
	w.mu.Unlock()
	if err := pass(ctx, answer.After, r.Timeout); err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.Server(), err)
	}
	if answer.Fails != "" {
		return nil, fmt.Errorf("%s %s: %s", r.Method, r.Server(), answer.Fails)
	}
	if err := r.TooLarge([]byte(answer.Body)); err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.Server(), err)
	}
	return &modules.Response{Status: answer.Status, Headers: map[string]string{}, Body: []byte(answer.Body)}, nil
}

// Mail records the mail, and takes it over unless the world's rules say otherwise.
func (n network) Mail(ctx context.Context, m *modules.Mail) error {
	w, slave := n.s.w, n.s.name
	w.mu.Lock()
	to := slices.Concat(m.To, m.CC, m.BCC)
	rule := pick(w.mailers, func(r *Mailer) bool {
		return here(r.Slave, slave) && slices.ContainsFunc(to, func(a string) bool { return engine.MatchPattern(r.Pattern, a) })
	})
	var mailer Mailer
	if rule != nil {
		mailer = *rule
	}
	w.mails = append(w.mails, Mail{Time: time.Now(), Slave: slave, Mail: m, Taken: mailer.Fails == "", Try: n.try("mail " + m.ID)})
	w.note(slave, fmt.Sprintf("mail %q to %s: %s", m.Subject, strings.Join(to, ", "), result(mailer.Fails, "taken over")))
	w.mu.Unlock()
	if err := pass(ctx, mailer.After, m.Timeout); err != nil {
		return &modules.MailError{Server: m.Server(), Message: err.Error()}
	}
	if mailer.Fails != "" {
		return &modules.MailError{Server: m.Server(), Message: mailer.Fails}
	}
	return nil
}

// try counts the tries of one message of the outbox, which keeps its key; what a
// handler sends itself is tried once. World.mu is held.
func (n network) try(key string) int {
	if !n.outbox {
		return 1
	}
	n.s.tries[key]++
	return n.s.tries[key]
}

func idempotencyKey(r *modules.Request) string {
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Idempotency-Key") {
			return value
		}
	}
	return ""
}

// answered is the status of an answer that comes, 0 where none does.
func answered(a Answer, r *modules.Request) int {
	if a.Fails != "" || r.Timeout > 0 && a.After > r.Timeout || r.TooLarge([]byte(a.Body)) != nil {
		return 0
	}
	return a.Status
}

func result(fails, otherwise string) string {
	if fails != "" {
		return fails
	}
	return otherwise
}

// pass lets the time pass that an answer takes; what waits for it may have
// less: limit (0: none), or until ctx is done.
func pass(ctx context.Context, long, limit time.Duration) error {
	if limit > 0 && long > limit {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("there was no answer within %g s", limit.Seconds()))
		defer cancel()
	}
	if long <= 0 {
		return nil
	}
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
