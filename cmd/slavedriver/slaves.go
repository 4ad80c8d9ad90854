package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/internal/vardir"
	"slavedriver/lockstore"
)

const slavesManual = `Shows the slaves that share the lock store of FILE, as each of them noted itself
there within a day: where it is, when it had its last shift that talked to the
store, how far its clock is from the store's, and what it was running then.

A shift notes itself when it has something to ask the store, or always where
setKnownSlaves names the slaves; one of those that never came is shown too.`

func (c *command) slavesCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "slaves FILE",
		Short:             "Shows the slaves that share the lock store",
		Long:              slavesManual,
		Args:              oneArgument,
		ValidArgsFunction: onlyLua,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.slaves(cmd.Context(), args[0])
		},
	}
}

// openRoster opens the plan's lock store for reading what it knows of slaves.
func (c *command) openRoster(plan *engine.Plan) (roster engine.Roster, closeStore func() error, err error) {
	const hint = `setLockStore("redis://…") names one, or $SLAVEDRIVER_LOCK_STORE`
	if !plan.LockStore.Shared() {
		return nil, nil, &failure{status: exitOther, err: errors.New("there is no lock store that slaves share"), hint: hint}
	}
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return nil, nil, unusable(err)
	}
	store, err := lockstore.Open(plan.LockStore, storeOptions(namespace(plan), base))
	if err != nil {
		return nil, nil, err
	}
	roster, ok := store.(engine.Roster)
	if !ok {
		_ = store.Close()
		return nil, nil, &failure{status: exitOther, err: errors.New("a folder as lock store keeps leases alone, and does not know the slaves"), hint: hint}
	}
	return roster, store.Close, nil
}

// shownSlave is a slave in the output of `slaves --json`.
type shownSlave struct {
	Name    string     `json:"name"`
	Host    string     `json:"host"`
	VarDir  string     `json:"varDir"`
	Version string     `json:"version"`
	Known   bool       `json:"known"` // one of setKnownSlaves, or these were not said
	Since   *time.Time `json:"since"` // without a pause; null: it never came
	Seen    *time.Time `json:"seen"`
	Ago     float64    `json:"ago"`     // seconds since then
	Offset  float64    `json:"offset"`  // seconds that its clock is ahead of the store's
	Lost    bool       `json:"lost"`    // a known one of which nothing was heard for three minutes
	Running []string   `json:"running"` // what it ran at its last shift
}

func (c *command) slaves(ctx context.Context, file string) error {
	script, err := c.load(ctx, file)
	if err != nil {
		return err
	}
	defer script.Close()
	plan := script.Plan()
	roster, closeStore, err := c.openRoster(plan)
	if err != nil {
		return err
	}
	defer func() { _ = closeStore() }()
	noted, now, err := roster.Slaves(ctx)
	if err != nil {
		return err
	}
	return printEach(c, showSlaves(noted, plan.KnownSlaves, now), c.slavesTable)
}

// showSlaves is what there is to show, known ones that never came last.
func showSlaves(noted []engine.Slave, known []string, now time.Time) []shownSlave {
	var shown []shownSlave
	came := map[string]bool{}
	for _, s := range noted {
		came[s.Name] = true
		shown = append(shown, shownSlave{
			Name: s.Name, Host: s.Host, VarDir: s.Dir, Version: s.Version, Known: known == nil || slices.Contains(known, s.Name),
			Since: &s.First, Seen: &s.Seen, Ago: max(0, now.Sub(s.Seen).Round(time.Second).Seconds()),
			Offset: s.Offset.Round(time.Millisecond).Seconds(), Running: append([]string{}, s.Running...),
			Lost: slices.Contains(known, s.Name) && now.Sub(s.Seen) > engine.LostAfter,
		})
	}
	for _, name := range known {
		if !came[name] {
			shown = append(shown, shownSlave{Name: name, Known: true, Lost: true, Running: []string{}})
		}
	}
	return shown
}

func (c *command) slavesTable(shown []shownSlave) error {
	if len(shown) == 0 {
		_, err := fmt.Fprintln(c.stdout, "no slave has noted itself in the lock store within a day")
		return err
	}
	rows := [][]string{{"SLAVE", "HOST", "VERSION", "LAST SHIFT", "CLOCK", "RAN THEN"}}
	for _, s := range shown {
		rows = append(rows, []string{
			logging.Escape(s.Name), orDash(s.Host), orDash(s.Version),
			s.lastShift(), s.clock(), orDash(strings.Join(s.Running, ", ")),
		})
	}
	_, err := fmt.Fprintln(c.stdout, strings.Join(inColumns(rows), "\n"))
	return err
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return logging.Escape(text)
}

// lastShift says when a slave was seen; one that should have been is lost.
func (s shownSlave) lastShift() string {
	if s.Seen == nil {
		return "never"
	}
	ago := time.Duration(s.Ago) * time.Second
	words := strings.TrimSuffix(ago.String(), "m0s")
	if words != ago.String() {
		words += "m"
	}
	switch {
	case !s.Known:
		return words + " ago, not a known one"
	case s.Lost:
		return words + " ago, lost"
	}
	return words + " ago"
}

// clock says how far a slave's clock is off, if that matters.
func (s shownSlave) clock() string {
	off := time.Duration(s.Offset * float64(time.Second)).Round(time.Second)
	switch {
	case s.Seen == nil:
		return "-"
	case off > 0:
		return off.String() + " ahead"
	case off < 0:
		return (-off).String() + " behind"
	}
	return "right"
}
