package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// completeJob completes FILE, then the name of a job in it.
func (c *command) completeJob(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return onlyLua(cmd, args, begun)
	}
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	quiet := *c // what the file prints must not be taken for names
	quiet.stdout, quiet.stderr = io.Discard, io.Discard
	script, err := quiet.load(cmd.Context(), args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer script.Close()
	var names []string
	for _, job := range script.Plan().Jobs {
		if strings.HasPrefix(job.Name, begun) {
			names = append(names, job.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
