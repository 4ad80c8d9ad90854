package main

import (
	"fmt"

	"slavedriver/engine"
)

// otherSlave is the slave whose records a var dir holds, where --slave names another
// one; else "".
func (c *command) otherSlave(dir string) string {
	if c.slave == "" {
		return ""
	}
	newest, err := engine.History(dir, "", 1)
	if err != nil || len(newest) == 0 || newest[0].Slave == c.slave { // who reads more of it says the error
		return ""
	}
	return newest[0].Slave
}

// sayOtherSlave warns of that, and says whether it is so.
func (c *command) sayOtherSlave(dir string) bool {
	other := c.otherSlave(dir)
	if other == "" {
		return false
	}
	c.warn([]string{fmt.Sprintf("the records here are of slave %s; those of %s are with that one", other, c.slave)})
	return true
}
