-- One slave notes itself, and hears what there is to know about the others.
--
-- KEYS: noted, watched (see roster.go).
-- ARGV: name; id; what it says of itself; which list of names this is ('': none);
--       then how long in ms: without a word one is lost, a name is kept, a name may
--       be unwatched, a report may be under way, between two looks; then of each
--       report that was made name, state, last seen; '' ; then the names that are watched.
-- Replies { now in ms, what stands under its name, then of each report that this
--           slave is to make name, state, last seen in ms }.

local call = redis.call
local clock = call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local name, id, words, list = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local lost_after, kept_for, unwatched_for, report_for, look_every =
  tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

-- Under a name stand lines "<id> <first> <seen> <what it says>": one, unless
-- several slaves have that name.
local function last_seen(text)
  local last = 0
  for seen in string.gmatch(text or '', '[^\n]- %d+ (%d+) [^\n]*') do
    last = math.max(last, tonumber(seen))
  end
  return last
end

local first, lines = now, {}
local before = call('HGET', KEYS[1], name)
for line in string.gmatch(before or '', '[^\n]+') do
  local by, since, seen = string.match(line, '^(%S+) (%d+) (%d+) ')
  if by == id then
    if now - tonumber(seen) <= lost_after then first = tonumber(since) end
  elseif now - tonumber(seen) <= lost_after then
    lines[#lines + 1] = line
  end
end
lines[#lines + 1] = id .. ' ' .. first .. ' ' .. now .. ' ' .. words
local mine = table.concat(lines, '\n')
call('HSET', KEYS[1], name, mine)
call('PEXPIRE', KEYS[1], kept_for)
if not before then -- a new name is as good a moment as any to forget old ones
  local all = call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if now - last_seen(all[i + 1]) > kept_for then call('HDEL', KEYS[1], all[i]) end
  end
end

-- Of a watched name stands "<first> <looked> <state> <at> <by> <told> <seen>":
-- since when and until when it was watched, whether it is up, lost or returned,
-- since when, who reports that, whether that was done, and when it was seen last.
local reply = { now, mine }
local at, told = 10, {}
while ARGV[at] ~= '' do
  told[ARGV[at] .. '\n' .. ARGV[at + 1] .. '\n' .. ARGV[at + 2]] = true
  at = at + 3
end
local looked = tonumber(call('HGET', KEYS[2], 'list ' .. list) or '0')
if list == '' then return reply end

local function look(watched)
  local seen = last_seen(call('HGET', KEYS[1], watched))
  local field = 'slave ' .. watched
  local since, until_, state, from, by, done, last =
    string.match(call('HGET', KEYS[2], field) or '', '^(%d+) (%d+) (%a+) (%d+) (%S+) (%d) (%d+)$')
  -- While nobody looked, nobody could be noted either: begin again.
  if not since or now - tonumber(until_) > unwatched_for then since = now end
  state, from, by, done, last = state or 'up', tonumber(from or now), by or '-', done == '1', tonumber(last or '0')
  since = tonumber(since)
  if told[watched .. '\n' .. state .. '\n' .. string.format('%.0f', last)] then done = true end
  local silent = now - math.max(seen, since) > lost_after
  local news = false
  if state == 'lost' and seen > last then
    state, news = 'returned', true
  elseif state ~= 'lost' and silent then
    state, last, news = 'lost', seen, true
  elseif state == 'returned' and done then
    state, done = 'up', true
  elseif state ~= 'up' and not done and (by == id or now - from > report_for) then
    news = true
  end
  if news then
    from, by, done = now, id, false
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3] = watched, state, last
  end
  call('HSET', KEYS[2], field, string.format('%.0f %.0f %s %.0f %s %s %.0f', since, now, state, from, by, done and '1' or '0', last))
end
if at == 10 and now - looked < look_every then
  -- Somebody did so just now; but who returns says so at once.
  if call('HEXISTS', KEYS[2], 'slave ' .. name) == 1 then look(name) end
  return reply
end
call('HSET', KEYS[2], 'list ' .. list, now)
for i = at + 1, #ARGV do look(ARGV[i]) end
call('PEXPIRE', KEYS[2], kept_for)
return reply
