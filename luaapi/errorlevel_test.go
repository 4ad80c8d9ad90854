package luaapi

import (
	"strings"
	"testing"
)

func TestErrorHasTheLevelsOfLua(t *testing.T) {
	_, out, err := loadIn(t, files(t, map[string]string{
		"m.lua": `
local function plain(level) error("plain", level) end
local callable = setmetatable({}, { __call = function(_, level) error("called", level) end })
return { plain = plain, callable = callable }`,
		"slavedriver.lua": `
local m = require("m")
for level = 0, 2 do
  for _, call in ipairs({ m.plain, m.callable }) do
    print(select(2, pcall(function()
      call(level)
    end)))
  end
end
print(select(2, pcall(error, { message = "a table" }, 2)).message)`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "printed", strings.TrimSpace(out.String()), `plain
called
m.lua:2: plain
m.lua:3: called
slavedriver.lua:6: plain
slavedriver.lua:6: called
a table`)
}
