package engine

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"slavedriver/internal/imagined"
	"slavedriver/internal/runfile"
)

// stageplay is a Supervisor in whose world nothing is executed: what a job
// does is said by a function, and happens in the time of a synctest bubble.
type stageplay struct {
	*imagined.Processes
	act   func(in runfile.Intent) act
	stops time.Duration // what it takes to note that a run is being ended

	mu sync.Mutex
	// started are the attempts whose process was started, in order.
	started []started
}

// act is what the process of a run does.
type act struct {
	lasts  time.Duration
	exit   int
	stdout string
	says   time.Duration // after its start
	// deaf: SIGTERM does not end it.
	deaf bool
}

type started struct {
	id      string
	attempt int
	fence   int64
	at      time.Time // of the bubble
}

func newStageplay(boot func() time.Duration) *stageplay {
	p := &stageplay{act: func(runfile.Intent) act { return act{} }}
	p.Processes = imagined.New(boot, nil, p.begin)
	return p
}

// begin notes the start of a process, and says what it does.
func (p *stageplay) begin(in runfile.Intent) imagined.Act {
	p.mu.Lock()
	p.started = append(p.started, started{in.ID, in.Attempt, in.Fence, time.Now()})
	p.mu.Unlock()
	a := p.act(in)
	return imagined.Act{
		Lasts: a.lasts, Exit: a.exit, Deaf: a.deaf,
		Says: []imagined.Saying{{After: a.says, Stream: runfile.Stdout, Text: a.stdout}},
	}
}

func (p *stageplay) Create(active string, in runfile.Intent, _ *runfile.Credential) (RunFile, error) {
	r, err := p.Processes.Create(active, in)
	if err != nil {
		return nil, err
	}
	return p.on(r), nil
}

func (p *stageplay) Remake(active string, in runfile.Intent) (RunFile, error) {
	return p.Open(filepath.Join(active, in.ID))
}

func (p *stageplay) Open(dir string) (RunFile, error) {
	r, err := p.Processes.Open(dir)
	if err != nil {
		return nil, err
	}
	return p.on(r), nil
}

func (p *stageplay) on(r RunFile) RunFile {
	if p.stops > 0 {
		return slowDisk{r, p.stops}
	}
	return r
}

// crash is what the end of a shift's process means.
func (p *stageplay) crash() { p.LetGo() }

// reboot ends all processes; nothing is written about that.
func (p *stageplay) reboot() { p.Reboot() }

func (s started) String() string {
	return fmt.Sprintf("%s at %s", s.id, s.at.Format(time.TimeOnly))
}
