package lockstore

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/redis/go-redis/v9"
)

// master asks all sentinels at once where the server is, and takes the first
// answer: one that hangs costs nothing. go-redis's own failover client waits
// for all of them, which is longer than a dial may take.
func (d *dialer) master(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sentinelPatience)
	defer cancel()
	type answer struct {
		addr string
		err  error
	}
	answers := make(chan answer, len(d.address.Hosts))
	for _, host := range d.address.Hosts {
		go func() {
			addr, err := d.askSentinel(ctx, host)
			answers <- answer{addr, err}
		}()
	}
	var problems []error
	for range d.address.Hosts {
		select {
		case a := <-answers:
			if a.err == nil {
				return a.addr, nil
			}
			problems = append(problems, a.err)
		case <-ctx.Done():
			problems = append(problems, ctx.Err())
		}
	}
	return "", fmt.Errorf("no sentinel says where %q is: %w", d.address.Master, errors.Join(problems...))
}

func (d *dialer) askSentinel(ctx context.Context, host string) (string, error) {
	o := d.options()
	o.Addr, o.Username, o.Password = host, d.address.SentinelUser, d.address.SentinelPassword
	client := redis.NewSentinelClient(o)
	defer client.Close()
	at, err := client.GetMasterAddrByName(ctx, d.address.Master).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", fmt.Errorf("sentinel %s knows no server of that name", host)
	case redis.IsAuthError(err):
		return "", fmt.Errorf("sentinel %s: %w (its password is sentinelPassword or $SLAVEDRIVER_SENTINEL_PASSWORD)", host, err)
	case err != nil:
		return "", fmt.Errorf("sentinel %s: %w", host, err)
	case len(at) != 2:
		return "", fmt.Errorf("sentinel %s gave no address", host)
	}
	return net.JoinHostPort(at[0], at[1]), nil
}

// dialMaster connects to the server that the sentinels name now, whatever the
// address is that was asked for.
func (d *dialer) dialMaster(ctx context.Context, network, _ string) (net.Conn, error) {
	addr, err := d.master(ctx)
	if err != nil {
		return nil, err
	}
	return d.dial(ctx, network, addr)
}
