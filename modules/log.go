package modules

import "slavedriver/engine"

// logModule has a function for each level, and one for check.
func logModule() *Module {
	m := &Module{Name: "log", Doc: "Writes into the loggers that setLogger set, as slavedriver does itself."}
	for _, level := range engine.Levels {
		m.Functions = append(m.Functions, Function{
			Name: string(level), Doc: "Logs a message with the level " + string(level) + ". What is logged while the entry file loads is written when the shift begins.",
			Params: []Param{
				{Name: "message", Type: TypeString, Required: true, Doc: "what happened"},
				{Name: "context", Type: TypeFields, Doc: "values that belong to it, by name"},
			},
			call: func(c *Call) ([]any, error) {
				fields, _ := c.Args["context"].(map[string]any)
				return nil, c.Log(string(level), c.Args.Text("message"), fields)
			},
		})
	}
	m.Functions = append(m.Functions, Function{
		Name: "doubt", Doc: "Warns whoever calls check, at the line of the entry file that led here, of what is valid and probably does not work. Only while the entry file loads.",
		Params: []Param{{Name: "message", Type: TypeString, Required: true, Doc: "what is doubtful"}},
		call: func(c *Call) ([]any, error) {
			if c.Doubt == nil {
				return nil, nil
			}
			return nil, c.Doubt(c.Args.Text("message"))
		},
	})
	return m
}
