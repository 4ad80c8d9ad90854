package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"slavedriver/internal/spelling"
)

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explains slavedriver, or one of its commands",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) == 0 {
				about.InitDefaultHelpFlag()
				return about.Help()
			}
			hint := "slavedriver help"
			if near := spelling.Nearest(args[0], names(cmd.Root())); near != "" {
				hint = "did you mean slavedriver help " + near + "?"
			}
			if other := insteadOf(args[0]); other != "" {
				hint = other
			}
			return usage("there is no command "+strings.Join(args, " "), hint)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(cmd.Root()), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// shells are those that completions can be made for.
var shells = []string{"bash", "zsh", "fish"}

const completionManual = `Prints a completion script. To use it:

  bash  source <(slavedriver completion bash)
  zsh   slavedriver completion zsh > "${fpath[1]}/_slavedriver"
  fish  slavedriver completion fish > ~/.config/fish/completions/slavedriver.fish

That of bash needs the package bash-completion: where each Tab complains that
_get_comp_words_by_ref is not found, it is missing, or the shell does not load it.`

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "Prints a completion script for a shell",
		Long:      completionManual,
		ValidArgs: shells,
		Args:      cobra.ArbitraryArgs, // judged below
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("completion needs the name of one shell", cmd.UseLine())
			}
			switch root, out := cmd.Root(), cmd.OutOrStdout(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			}
			return usage(fmt.Sprintf("there is no completion for %s", args[0]), "one of "+strings.Join(shells, ", "))
		},
	}
}

// onlyLua completes the one FILE of a command.
func onlyLua(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"lua"}, cobra.ShellCompDirectiveFilterFileExt
}
