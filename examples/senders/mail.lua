-- Alerts by e-mail, with the last 50 lines of what the job said:
--
--   slavedriver.alert({ after = 3, every = "1h", send = require("senders.mail")({
--     host = "smtp.example.com", from = "jobs@example.com", to = { "ops@example.com" },
--   }) })
--
-- All options of slavedriver.mail may be given: port, tls, user, password, cc … (the
-- path of ca as an absolute one).
local mail = require("slavedriver.mail")

-- when is a time for people and for programs.
local function when(time)
  return os.date("%Y-%m-%d %H:%M:%S %Z", time)
end

return function(options)
  assert(options.host and options.from and options.to,
    "senders.mail needs { host =, from =, to = }")
  return function(alert)
    local letter = { outbox = true }
    for name, value in pairs(options) do
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
end
