-- What the senders share: their options are looked at while the entry file loads, so
-- that `slavedriver check` finds a mistake, and not the first failure at night. Copy
-- this file with any of them.
local log = require("slavedriver.log")
local secret = require("slavedriver.secret")

local options = {}

-- A check says what is wrong with a value, or nil.
function options.any() end

function options.text(v)
  return (type(v) ~= "string" or v == "") and "must be a text" or nil
end

function options.path(v)
  return (type(v) ~= "string" or v:sub(1, 1) ~= "/") and "must be an absolute path, not " .. tostring(v) or nil
end

function options.url(v) -- is not shown: it may hold a key
  return (type(v) ~= "string" or not v:find("^https?://[^%s/]+%S*$")) and "must be a URL: https://…" or nil
end

function options.choice(...)
  local choices = { ... }
  return function(v)
    for _, choice in ipairs(choices) do
      if v == choice then
        return nil
      end
    end
    return "must be one of " .. table.concat(choices, ", ") .. ", not " .. tostring(v)
  end
end

function options.whole(least, most)
  return function(v)
    if type(v) ~= "number" or v % 1 ~= 0 or v < least or v > most then
      return "must be a whole number from " .. least .. " to " .. most .. ", not " .. tostring(v)
    end
  end
end

function options.duration(v)
  local rest = type(v) == "string" and v:gsub("%d+%.?%d*[smhd]", "")
  if not (type(v) == "number" and v > 0 or rest == "" and v:find("[1-9]")) then
    return 'must be seconds, or a text such as "90s", not ' .. tostring(v)
  end
end

-- distance counts by how many letters two names differ.
local function distance(a, b)
  local last = {}
  for j = 0, #b do
    last[j] = j
  end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a:byte(i) == b:byte(j) and 0 or 1))
    end
    last = row
  end
  return last[#b]
end

-- unknown says what was probably meant, and else what there is.
local function unknown(name, known)
  local names = {}
  for candidate in pairs(known) do
    table.insert(names, candidate)
  end
  table.sort(names)
  for _, candidate in ipairs(names) do
    if distance(name, candidate) <= math.min(2, #name - 1) then
      return "unknown option `" .. name .. "`, did you mean `" .. candidate .. "`?"
    end
  end
  return "unknown option `" .. name .. "`; there are " .. table.concat(names, ", ")
end

-- mistake is the first that is wrong with a table, by the checks of its keys.
local function mistake(given, known)
  for name, value in pairs(given) do
    if not known[name] then
      return unknown(tostring(name), known)
    end
    local wrong = known[name](value)
    if wrong then
      return "`" .. name .. "` " .. wrong
    end
  end
end

-- table is a check of a table in the options.
function options.table(known)
  return function(v)
    local wrong = type(v) ~= "table" and "it must be a table" or mistake(v, known)
    return wrong and "is wrong: " .. wrong
  end
end

-- sender makes what require("senders.NAME") returns: it is called with a table of
-- the options known, each with its check, and then is what make(options) returns.
-- What is wrong is an error of the line that calls it; whole(options) says what only
-- all of them show.
--
-- The option key is a secret, and needed too, but a secret that the entry file did not
-- get must not keep the jobs from running: `slavedriver check` and the log tell of it.
function options.sender(name, needed, known, make, key, whole)
  return setmetatable({}, { __call = function(_, given)
    if type(given) ~= "table" then
      error("senders." .. name .. " takes a table of options, not " .. type(given), 2)
    end
    local wrong = mistake(given, known)
    for _, option in ipairs(needed) do
      wrong = wrong or given[option] == nil and "`" .. option .. "` is missing" or nil
    end
    if not wrong and #secret.missing() == 0 then
      wrong = key and given[key] == nil and "`" .. key .. "` is missing, or nil" or whole and whole(given)
    end
    if wrong then
      error("senders." .. name .. ": " .. wrong, 2)
    end
    return (make(given)) -- no tail call: those have no line
  end })
end

-- readable lets `slavedriver check` warn of an option whose file is not there: the jobs
-- run all the same, as it may come back.
function options.readable(name, given, key)
  if given[key] then
    local file, why = io.open(given[key])
    if not file then
      log.doubt("senders." .. name .. ": the file of `" .. key .. "` cannot be read: " .. why)
    else
      file:close()
    end
  end
end

-- secret is an option that was there if the entry file got its secret.
function options.secret(name, given, key)
  return given[key] or error("senders." .. name .. " was given no " .. key .. ", so nothing is sent; `slavedriver check FILE` says why a secret is missing", 2)
end

return options
