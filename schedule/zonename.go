package schedule

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a bare container has no zones of its own; costs 450 KB, and nothing at start

	"slavedriver/internal/spelling"
)

// zonesText is the names of the IANA database as Go has it, one a line. It is
// asked when a name may be wrong; which zones there are, the database says.
//
//go:embed zones.txt
var zonesText string

// loaded keeps the zones by their name: each is a file to be read.
var loaded sync.Map // of *time.Location

// Zone loads a time zone by its IANA name, such as "Europe/London" or "UTC",
// from the host's database, or where that has none from the one in the binary.
// Asked again it gives the same Location, at no cost. Capitals count. There is
// no zone "" and none "Local": leave out the name for the host's. Every error is
// an *Error.
func Zone(name string) (*time.Location, error) {
	if known, ok := loaded.Load(name); ok {
		return known.(*time.Location), nil
	}
	loc, err := loadZone(name)
	if err != nil {
		err.Text, err.what = name, "time zone"
		return nil, err
	}
	known, _ := loaded.LoadOrStore(name, loc)
	return known.(*time.Location), nil
}

func loadZone(name string) (*time.Location, *Error) {
	switch {
	case name == "":
		return nil, refuse(zoneHint, "it is empty")
	case strings.EqualFold(name, "local"):
		return nil, refuse("leave the zone out for the host's", "it names no zone")
	}
	meant := name
	if !isKnownZone(name) {
		meant = nearestZone(name)
	}
	if meant != name && strings.EqualFold(meant, name) { // some file systems would find it
		return nil, refuse(didYouMean(meant), "capitals count in the names of zones")
	}
	if loc, err := time.LoadLocation(name); err == nil {
		return loc, nil
	}
	if meant != "" && meant != name {
		return nil, refuse(didYouMean(meant), "there is no such zone")
	}
	return nil, refuse(zoneHint, "there is no such zone")
}

const zoneHint = `write a place as the IANA database names it, such as "Europe/London", or "UTC"`

func didYouMean(zone string) string { return fmt.Sprintf("did you mean %q?", zone) }

func isKnownZone(name string) bool {
	return !strings.Contains(name, "\n") && strings.Contains("\n"+zonesText, "\n"+name+"\n")
}

// nearestZone is the known name that was probably meant, if there is one. It
// may be misspelt, or be a place without its continent. What is short or has
// digits, such as PST or UTC+2, is no misspelt place.
func nearestZone(name string) string {
	asked := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "_")
	best, least := "", 4+len(asked)/2 // counted double, so that a place alone is a bit further away
	switch {
	case len(asked) > 50:
		return ""
	case len(asked) < 5 || strings.ContainsAny(asked, "0123456789"):
		least = 2
	}
	for known := range strings.FieldsSeq(zonesText) {
		folded := strings.ToLower(known)
		place := folded[strings.LastIndexByte(folded, '/')+1:]
		if d := min(2*spelling.Distance(asked, folded), 1+2*spelling.Distance(asked, place)); d < least {
			best, least = known, d
		}
	}
	return best
}
