-- One operation on leases of one hash tag, atomically. The same decisions stand
-- in record.go; locktest holds both to the same answers.
--
-- KEYS: born; then of each claim its lease and its used (see lockstore.go).
-- ARGV: operation; when the caller met the store (0: never); how long after
--       that the memory of a new store may begin; how far a slave's clock may be
--       ahead; how long a claim and a lease last, all in ms; then of each claim
--       token, instant in seconds, highest fence the caller saw, how long to
--       remember the instant in ms (-1: by hand, it does not matter), holder, how
--       long the lease key lasts untouched in ms, when the run was started in ms
--       (0: now; -1, of a miss: somebody left the instant out, and nobody is to
--       tell it).
-- Replies { 1 if the memory begins or is known as lost with this call, now in
--           ms; then of each claim answer, fence, since in ms, holder }.

local GRANTED, CLAIMED, HELD, USED, FORGOTTEN = 0, 1, 2, 3, 4 -- engine.Answer
local BEFORE_CLAIMS, PER_CLAIM = 6, 7
local call = redis.call

local operation, met, begins_within, ahead = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local claim_for, lease_for = tonumber(ARGV[5]), tonumber(ARGV[6])

-- Whole numbers up to 14 digits stay what they are on their way into a command.
local clock = call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

-- The memory: "<born>", or "<born> lost" once somebody came who had met the
-- store before that. SET is also what a replica refuses, so that nobody is
-- answered from what may be old.
local news = call('SET', KEYS[1], now, 'NX') and 1 or 0
local memory = call('GET', KEYS[1])
local born = tonumber(string.match(memory, '^%d+'))
local lost = string.find(memory, 'lost', 1, true)
if met > 0 and met + begins_within < born and not lost then
  call('SET', KEYS[1], born .. ' lost')
  lost, news = true, 1
end
-- The first instant that the store vouches for. One that was lost may have been
-- asked by a slave whose clock is ahead; one that is new vouches for the whole
-- minute of its birth.
local vouches_from = lost and born + ahead or born - born % 60000

-- A used instant is "<length of token> <token><holder>". One without a token was
-- not started: somebody left it out, or tells that it was missed.
local function used_by(used)
  local value = call('GET', used)
  if not value then return end
  local length, by = string.match(value, '^(%d+) (.*)$')
  return string.sub(by, 1, tonumber(length)), string.sub(by, tonumber(length) + 1)
end

-- An instant that may be the newest one, 0 for one that only a clock far ahead of
-- this one can have named: all that come later would look old.
local function plausible(instant)
  return instant * 1000 <= now + ahead and instant or 0
end

-- Returns answer, fence, since, holder.
local function decide(key, used, token, instant, seen, remember, holder, keep_for, started)
  local stored = call('HMGET', key, 'token', 'confirmed', 'until', 'since', 'holder', 'fence', 'released', 'last', 'teller', 'before', 'told')
  local owner, confirmed, expires = stored[1], stored[2] == '1', tonumber(stored[3] or '0')
  local since, by, fence = tonumber(stored[4] or '0'), stored[5] or '', tonumber(stored[6] or '0')
  local by_hand = remember < 0
  local alive, last = expires > now, tonumber(stored[8] or '0')
  local known, known_holder = used_by(used)
  local starter = known ~= '' and known or nil

  if operation == 'miss' then
    local decided = started < 0
    if not decided then
      if stored[9] == token then return GRANTED, 0, tonumber(stored[10] or '0') * 1000, '' end
      if known == token then return GRANTED, 0, 0, '' end
      if known or last == instant or tonumber(stored[11] or '0') >= instant then return USED, 0, 0, '' end
    end
    local before = last < instant and last or 0
    if decided then
      call('HSET', key, 'last', math.max(last, plausible(instant)))
    else
      call('HSET', key, 'told', plausible(instant), 'teller', token, 'before', before)
    end
    call('PEXPIRE', key, keep_for)
    if remember > 0 then call('SET', used, '0 ' .. holder, 'NX', 'PX', remember) end
    return GRANTED, 0, decided and 0 or before * 1000, ''
  end

  if operation == 'release' then
    if owner == token then
      call('HSET', key, 'token', '', 'until', '0', 'released', token)
    end
    if starter and starter ~= token and not by_hand then return USED, 0, 0, known_holder end -- started twice: the memory was lost
    return GRANTED, 0, 0, ''
  end

  -- A run that goes on may not have come back for its lease yet.
  if by_hand and operation ~= 'renew' and lost and now < born + ahead then return FORGOTTEN, 0, 0, '' end
  if operation ~= 'renew' and not by_hand then
    if not starter and instant * 1000 < vouches_from then return FORGOTTEN, 0, 0, '' end
    if starter and starter ~= token then return USED, 0, 0, known_holder end
  end
  if alive and owner ~= token then return confirmed and HELD or CLAIMED, 0, since, by end

  if not alive then
    -- A renewal that was under way for long may come after the release.
    if operation == 'renew' and stored[7] == token then return USED, 0, 0, holder end
    confirmed, since, by = false, now, holder
    fence = math.max(fence + 1, now, seen + 1)
  end
  if operation == 'acquire' then
    if confirmed then return GRANTED, fence, 0, '' end
    expires = now + claim_for
  else
    if not confirmed then since = started > 0 and math.min(started, now) or now end
    confirmed, expires = true, now + lease_for
    if not by_hand then last = math.max(last, plausible(instant)) end
    if remember > 0 and not starter then call('SET', used, #token .. ' ' .. token .. holder, 'PX', remember) end
  end
  call('HSET', key, 'token', token, 'confirmed', confirmed and '1' or '0', 'until', expires,
    'since', since, 'holder', by, 'fence', fence, 'released', '', 'last', last)
  call('PEXPIRE', key, keep_for)
  return GRANTED, fence, 0, ''
end

local reply = { news, now }
for i = 2, #KEYS, 2 do
  local at = BEFORE_CLAIMS + (i / 2 - 1) * PER_CLAIM
  local answer, fence, since, holder = decide(KEYS[i], KEYS[i + 1],
    ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 6], tonumber(ARGV[at + 7]))
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = answer, fence, since, holder
end
return reply
