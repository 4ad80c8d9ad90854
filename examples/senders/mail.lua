-- Alerts by e-mail, with the last 50 lines of what the job said:
--
--   slavedriver.alert({ after = 3, every = "1h", send = require("senders.mail")({
--     host = "smtp.example.com", from = "jobs@example.com", to = { "ops@example.com" },
--   }) })
--
-- The options are those of slavedriver.mail, but for the content (the path of ca is an
-- absolute one).
local mail = require("slavedriver.mail")
local options = require("senders.options")

local function addresses(v)
  for _, address in ipairs(type(v) == "table" and v or { v }) do
    if type(address) ~= "string" or not address:find("^.+@.+$") then
      return "must be addresses, such as ops@example.com, not " .. tostring(address)
    end
  end
end

local known = {
  host = options.text, port = options.whole(1, 65535), timeout = options.duration, ca = options.path,
  tls = options.choice("starttls", "implicit", "none"), user = options.text, password = options.text,
  from = addresses, to = addresses, cc = addresses, bcc = addresses, replyTo = addresses, headers = options.any,
}

-- when is a time for people and for programs.
local function when(time)
  return os.date("%Y-%m-%d %H:%M:%S %Z", time)
end

return options.sender("mail", { "host", "from", "to" }, known, function(given)
  options.readable("mail", given, "ca")
  return function(alert)
    if given.user then
      options.secret("mail", given, "password")
    end
    local letter = { outbox = true }
    for name, value in pairs(given) do
      letter[name] = value
    end
    letter.subject = "[" .. alert.slave .. "] " .. alert.text
    local lines = { alert.text .. ".", "", "Job:      " .. alert.job.name }
    if alert.job.description then
      table.insert(lines, "          " .. alert.job.description)
    end
    if alert.run then
      table.insert(lines, "Run:      " .. alert.run.id .. ", on " .. alert.slave)
    end
    table.insert(lines, "Failing:  since " .. when(alert.since))
    table.insert(lines, "This is:  " .. when(alert.time))
    if alert.output ~= "" then
      table.insert(lines, "\nIts last words (the last 50 lines of each stream):\n")
      table.insert(lines, alert.output)
    end
    letter.text = table.concat(lines, "\n")
    assert(mail.send(letter))
  end
end, nil, function(given)
  if given.user == nil and given.password ~= nil then
    return "there is a `password`, but no `user`"
  elseif given.user ~= nil and given.password == nil then
    return "there is a `user`, but no `password`"
  elseif given.user ~= nil and given.tls == "none" then
    return 'a password is not sent without TLS: tls = "starttls" or "implicit"'
  end
end)
