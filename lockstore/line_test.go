package lockstore

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// newTestLine counts the clients that it makes, which connect to nothing.
func newTestLine(made *int) *line {
	return &line{connect: func() redis.UniversalClient {
		*made++
		return redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	}}
}

func TestLineIsHungUpAfterAFailure(t *testing.T) {
	made := 0
	l := newTestLine(&made)
	var clients []redis.UniversalClient
	for _, result := range []error{nil, nil, errors.New("a failure"), nil} {
		_, err := l.call(t.Context(), func(_ context.Context, client redis.UniversalClient) ([]reply, error) {
			clients = append(clients, client)
			return nil, result
		})
		if !errors.Is(err, result) {
			t.Errorf("%v, not %v", err, result)
		}
	}
	if made != 2 || clients[1] != clients[0] || clients[2] != clients[0] || clients[3] == clients[0] {
		t.Errorf("%d clients were made", made)
	}
	if err := clients[0].Ping(t.Context()).Err(); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("the first is not closed: %v", err)
	}
}

// A call that is cancelled is left at once, whatever the client does.
func TestLineIsLeftWhenCancelled(t *testing.T) {
	made := 0
	l := newTestLine(&made)
	ctx, cancel := context.WithCancel(t.Context())
	begun, end := make(chan redis.UniversalClient, 1), make(chan struct{})
	var hangs sync.WaitGroup
	defer hangs.Wait()
	defer close(end)
	go func() {
		<-begun
		cancel()
	}()
	hangs.Add(1)
	_, err := l.call(ctx, func(_ context.Context, client redis.UniversalClient) ([]reply, error) {
		defer hangs.Done()
		begun <- client
		<-end
		return nil, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := l.open(); err != nil || made != 2 {
		t.Errorf("%d clients were made (%v)", made, err)
	}
}
