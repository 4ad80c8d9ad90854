package engine

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"slavedriver/internal/runfile"
)

// launchOf is all that the start of a job's process takes.
func (d *duty) launchOf(job *Job, in runfile.Intent) (runfile.Launch, error) {
	credential, err := credentialOf(job)
	if err != nil {
		return runfile.Launch{}, err
	}
	args := job.Command.Args
	if job.Command.Function {
		args = append(slices.Clone(d.FunctionArgs), job.Name)
	}
	l := runfile.Launch{
		Shell: job.Command.Shell, Args: args, ShellPath: job.Shell,
		Dir: job.WorkingDirectory, Umask: job.Umask, Nice: job.Nice, Credential: credential,
	}
	l.Limits.AddressSpace = job.Limits.AddressSpace
	l.Limits.FileSize = job.Limits.FileSize
	l.Limits.CPUTime = job.Limits.CPUTime
	l.Limits.OpenFiles = job.Limits.OpenFiles
	l.Limits.Processes = job.Limits.Processes
	l.Env, err = d.environ(job, in)
	return l, err
}

// environ is the job's environment: what the shift inherited, who the job's
// user is, what the job says, and what slavedriver tells it, each over the one
// before.
func (d *duty) environ(job *Job, in runfile.Intent) ([]string, error) {
	env := map[string]string{}
	for _, pair := range d.Environ {
		if name, value, ok := strings.Cut(pair, "="); ok && !strings.HasPrefix(name, "SLAVEDRIVER_") {
			env[name] = value
		}
	}
	if job.User != "" {
		u, err := lookUser(job.User)
		if err != nil {
			return nil, err
		}
		env["USER"], env["LOGNAME"], env["HOME"] = u.Username, u.Username, u.HomeDir
	}
	maps.Copy(env, job.Env)
	env["SLAVEDRIVER_JOB"] = job.Name
	env["SLAVEDRIVER_SLAVE"] = in.Slave
	env["SLAVEDRIVER_NAMESPACE"] = in.Namespace
	env["SLAVEDRIVER_SCHEDULED_AT"] = in.Instant.In(job.Location).Format(time.RFC3339)
	env["SLAVEDRIVER_ATTEMPT"] = strconv.Itoa(in.Attempt)
	if in.Fence != 0 {
		env["SLAVEDRIVER_FENCE"] = strconv.FormatInt(in.Fence, 10)
	}
	pairs := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		pairs = append(pairs, name+"="+env[name])
	}
	return pairs, nil
}
