package modules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"slavedriver/internal/outbox"
)

// sendWithin is how long one try to send a letter may take where it does not
// say: nobody waits for it, but the shift that is relieved.
const sendWithin = 30 * time.Second

// put leaves a message to the outbox.
func (c *Call) put(kind, to, about, order string, message any) ([]any, error) {
	if c.Outbox == nil {
		return nil, errors.New("there is no outbox here: it is there for handlers, while a shift is on duty")
	}
	content := encode(message)
	err := c.Outbox.Put(outbox.Letter{
		ID: c.LetterID(append([]byte(kind+"\n"), content...)), Kind: kind, To: to, About: about, Order: order, Content: content,
	})
	if err != nil {
		return nil, err
	}
	return []any{true}, nil
}

// Deliverer sends letters of the outbox by way of s. Each try of a letter has
// the same Idempotency-Key or Message-ID: a receiver can tell that it got it twice.
func Deliverer(s Sender) outbox.Deliver {
	return func(ctx context.Context, letter *outbox.Letter) error {
		switch letter.Kind {
		case "http":
			return deliverRequest(ctx, s, letter)
		case "mail":
			return deliverMail(ctx, s, letter)
		}
		return fmt.Errorf("a letter of the kind %q is not known to this version of slavedriver", letter.Kind)
	}
}

func deliverRequest(ctx context.Context, s Sender, letter *outbox.Letter) error {
	var r Request
	if err := json.Unmarshal(letter.Content, &r); err != nil {
		return fmt.Errorf("the letter cannot be understood: %w", err)
	}
	if r.Timeout == 0 {
		r.Timeout = sendWithin
	}
	r.addKey(letter.ID)
	answer, err := s.HTTP(ctx, &r)
	if err != nil {
		return err
	}
	if answer.Status < 200 || answer.Status > 299 {
		return &StatusError{Server: r.Server(), Status: answer.Status, After: retryAfter(answer.Headers["retry-after"], time.Now())}
	}
	return nil
}

// addKey leaves a key that the script chose as it is.
func (r *Request) addKey(id string) {
	const name = "Idempotency-Key"
	for given := range r.Headers {
		if strings.EqualFold(given, name) {
			return
		}
	}
	if r.Headers == nil {
		r.Headers = map[string]string{}
	}
	r.Headers[name] = id
}

func deliverMail(ctx context.Context, s Sender, letter *outbox.Letter) error {
	var m Mail
	if err := json.Unmarshal(letter.Content, &m); err != nil {
		return fmt.Errorf("the letter cannot be understood: %w", err)
	}
	if m.Timeout == 0 {
		m.Timeout = sendWithin
	}
	m.ID = letter.ID
	return s.Mail(ctx, &m)
}
