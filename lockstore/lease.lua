-- One operation on leases of one hash tag, atomically. The same decisions stand
-- in record.go and settled.go; locktest holds both to the same answers.
--
-- KEYS: born; then of each claim its lease and its used (see lockstore.go).
-- ARGV: operation; when the caller met the store (0: never); how long after
--       that the memory of a new store may begin; how far a slave's clock may be
--       ahead; how long a claim and a lease last, all in ms; then of each claim
--       token, instant in seconds, highest fence the caller saw, how long to
--       remember the instant in ms (-1: by hand, it does not matter), holder, how
--       long the lease key lasts untouched in ms, when the run was started in ms
--       (0: now; -1, of a miss: it is settled, and nobody is to tell it), after
--       which second the stretch begins that ends with the instant.
-- Replies { 1 if the memory begins or is known as lost with this call, now in
--           ms; then of each claim answer, fence, since in ms, holder, stretches
--           that nobody settled before ("after-to,...", in seconds) }.

local GRANTED, CLAIMED, HELD, USED, FORGOTTEN = 0, 1, 2, 3, 4 -- engine.Answer
local BEFORE_CLAIMS, PER_CLAIM = 6, 8
local MOST_SETTLED, MOST_PARTS = 100, 32 -- see settled.go
local call, hash_of = redis.call, redis.sha1hex -- both of Redis 2.6

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

-- A used instant is "<length of token> <token><holder>". One without a token, which
-- is what earlier versions wrote, was not started.
local function used_by(used)
  local value = call('GET', used)
  if not value then return end
  local length, by = string.match(value, '^(%d+) (.*)$')
  return string.sub(by, 1, tonumber(length)), string.sub(by, tonumber(length) + 1)
end

-- Stretches are "<after>-<to>,...", in order, and do not touch.
local function stretches(text)
  local all = {}
  for after, to in string.gmatch(text or '', '(%d+)%-(%d+)') do
    all[#all + 1] = { tonumber(after), tonumber(to) }
  end
  return all
end

local function text_of(all, most)
  local texts = {}
  for i = math.max(1, #all - most + 1), #all do
    texts[#texts + 1] = string.format('%d-%d', all[i][1], all[i][2])
  end
  return table.concat(texts, ',')
end

-- All that is in some or in one more.
local function with(some, one)
  if one[1] >= one[2] then return some end
  local all, after, to, placed = {}, one[1], one[2], false
  for _, other in ipairs(some) do
    if other[2] < after then
      all[#all + 1] = other
    elseif other[1] > to then
      if not placed then all[#all + 1] = { after, to } end
      placed = true
      all[#all + 1] = other
    else
      after, to = math.min(after, other[1]), math.max(to, other[2])
    end
  end
  if not placed then all[#all + 1] = { after, to } end
  return all
end

-- What of some is not in taken.
local function without(some, taken)
  local left = {}
  for _, one in ipairs(some) do
    local from = one[1]
    for _, other in ipairs(taken) do
      if other[2] > from and other[1] < one[2] then
        if other[1] > from then left[#left + 1] = { from, other[1] } end
        from = other[2]
      end
    end
    if from < one[2] then left[#left + 1] = { from, one[2] } end
  end
  return left
end

-- What tokens settled is "<hash of the token>:<stretches>;...", the newest last.
local function note(parts, token, of)
  local all, name = {}, hash_of(token)
  for hash, text in string.gmatch(parts or '', '(%x+):([^;]*);') do
    if hash ~= name then all[#all + 1] = hash .. ':' .. text .. ';' end
  end
  all[#all + 1] = name .. ':' .. text_of(of, MOST_SETTLED) .. ';'
  return table.concat(all, '', math.max(1, #all - MOST_PARTS + 1))
end

local function part_of(parts, token)
  local name = hash_of(token)
  for hash, text in string.gmatch(parts or '', '(%x+):([^;]*);') do
    if hash == name then return stretches(text) end
  end
end

-- Notes that a stretch is settled; not that of an instant which only a clock far
-- ahead of this one can have named: all that come later would be too.
local function settle(key, settled, asked, instant)
  if instant * 1000 > now + ahead then return end
  call('HSET', key, 'settled', text_of(with(settled, asked), MOST_SETTLED))
end

-- What a token may tell: what it settled itself, and what of the asked stretch
-- nobody did. An instant may be used although its stretch is not settled, where that
-- was forgotten, or an earlier version started it.
local function untold(settled, parts, asked, token, starter)
  local mine, left = part_of(parts, token), without({ asked }, settled)
  if starter and starter ~= token then
    left = without(left, { { asked[2] - 1, asked[2] } })
  elseif starter and not mine then
    mine = { asked }
  end
  for _, one in ipairs(mine or {}) do left = with(left, one) end
  return left
end

-- Returns granted, or used where nothing is left to tell, and what is.
local function miss(key, asked, token, instant, starter, keep_for, decided)
  local stored = call('HMGET', key, 'settled', 'parts')
  local settled, left = stretches(stored[1]), {}
  if not decided then
    left = untold(settled, stored[2], asked, token, starter)
    if #left == 0 then return USED, 0, 0, '', '' end
    call('HSET', key, 'parts', note(stored[2], token, left))
  end
  settle(key, settled, asked, instant)
  call('PEXPIRE', key, keep_for)
  return GRANTED, 0, 0, '', text_of(left, #left)
end

-- Settles the stretch of a start, and notes what of it others had not.
local function use(key, asked, token, instant)
  local stored = call('HMGET', key, 'settled', 'parts')
  local settled = stretches(stored[1])
  local mine, whole = without({ asked }, settled), with({}, asked)
  if text_of(mine, #mine) ~= text_of(whole, 1) then
    call('HSET', key, 'parts', note(stored[2], token, mine))
  end
  settle(key, settled, asked, instant)
end

-- Returns answer, fence, since, holder, and of a miss what is to be told.
local function decide(key, used, token, instant, seen, remember, holder, keep_for, started, after)
  local stored = call('HMGET', key, 'token', 'confirmed', 'until', 'since', 'holder', 'fence', 'released')
  local owner, confirmed, expires = stored[1], stored[2] == '1', tonumber(stored[3] or '0')
  local since, by, fence = tonumber(stored[4] or '0'), stored[5] or '', tonumber(stored[6] or '0')
  local by_hand = remember < 0
  local alive, asked = expires > now, { after, math.max(instant, 0) }
  local known, known_holder = used_by(used)
  local starter = known ~= '' and known or nil

  if operation == 'miss' then return miss(key, asked, token, instant, starter, keep_for, started < 0) end

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
    if not by_hand and not starter then use(key, asked, token, instant) end
    if remember > 0 and not starter then call('SET', used, #token .. ' ' .. token .. holder, 'PX', remember) end
  end
  call('HSET', key, 'token', token, 'confirmed', confirmed and '1' or '0', 'until', expires,
    'since', since, 'holder', by, 'fence', fence, 'released', '')
  call('PEXPIRE', key, keep_for)
  return GRANTED, fence, 0, ''
end

local reply = { news, now }
for i = 2, #KEYS, 2 do
  local at = BEFORE_CLAIMS + (i / 2 - 1) * PER_CLAIM
  local answer, fence, since, holder, left = decide(KEYS[i], KEYS[i + 1],
    ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 6], tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8]))
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] = answer, fence, since, holder, left or ''
end
return reply
