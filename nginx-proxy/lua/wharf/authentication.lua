--- Who sends a request: a password is verified once, and then remembered for a while.
--
-- bcrypt is slow on purpose, and would block whatever computes it. So the verifier, an nginx of its
-- own, does; this remembers its answers under a keyed hash, so that no password is kept anywhere.

local client = require "wharf.client"
local credentials = require "wharf.credentials"
local turns = require "wharf.turns"
local semaphore = require "ngx.semaphore"

--- Distinct wrong passwords of one client within WINDOW seconds, after which its wrong logins wait.
local FAILURES = 10
local WINDOW = 30
--- Seconds for which a client and a user name are remembered as having failed together.
local FAILED = 3600
--- Seconds that a client that has been told to wait waits for that answer, too.
local PENALTY = 1
--- How many of them one worker holds at a time; beyond, the answer comes at once.
local HELD = 200
--- While a client is over its limit, its next 401 comes at a multiple of these seconds: longer than a
--- verification takes, so the duration does not tell which names were verified.
local BEAT = 2
--- Seconds that the verifier has for an answer.
local PATIENCE = 10
--- Seconds for which a good password is not held to the limit of its client: behind one address
--- there may be hundreds of servers, of which one has a wrong password.
local TRUSTED = 86400

local verified = ngx.shared.verified
local trusted = ngx.shared.trusted
local wrong = ngx.shared.wrong
local failures = ngx.shared.failures
local pairs_failed = ngx.shared.pairs_failed

local M = {}

--- Key of the hash. It is made anew with each configuration: with another users file, everything
--- that was remembered is forgotten, wrong passwords as well.
local secret
--- Key of the hash of trusted passwords and failed names, which outlives the configuration: trust
--- lets nobody in, it only lets the verifier be asked.
local lasting_secret
--- Seconds that a good password is remembered.
local remember

--- Verifications under way in this worker, by hash: a storm of one user is verified once.
local flights = {}
local held = 0

--- Read the settings; nginx calls this at start and at each reload.
function M.init()
    credentials.init()
    local random = assert(io.open("/dev/urandom", "rb"))
    secret = random:read(32)
    trusted:safe_add("secret", random:read(32))
    random:close()
    lasting_secret = trusted:get("secret")
    remember = tonumber(os.getenv("NGINX_REMEMBER_SECONDS") or "60")
end

local function challenge()
    ngx.header["WWW-Authenticate"] = 'Basic realm="Registry"'
    return ngx.exit(ngx.HTTP_UNAUTHORIZED)
end

local function refuse(network)
    if held < HELD then
        held = held + 1
        ngx.sleep(PENALTY)
        held = held - 1
    end
    ngx.header["Retry-After"] = math.ceil(math.max(failures:ttl(network) or 0, 1))
    return ngx.exit(ngx.HTTP_TOO_MANY_REQUESTS)
end

--- The verifier's status for a name and a password.
local function capture(login)
    local known = credentials.knows(login.name)
    local asked = known and login.text
        or credentials.stand_in(lasting_secret, login.name, login.password)
    local variables = { credentials = ngx.encode_base64(asked) }
    local status = ngx.location.capture("/.verify", { vars = variables }).status
    if status == ngx.HTTP_NO_CONTENT and not known then
        return ngx.HTTP_UNAUTHORIZED
    end
    return status
end

--- The same, once for all concurrent requests that have this name and password.
local function ask(login)
    local flight = flights[login.hash]
    if flight and ngx.now() - flight.start < PATIENCE then
        flight.waiting = flight.waiting + 1
        flight.landed:wait(PATIENCE)
        return flight.status
    end
    flight = { landed = semaphore.new(), waiting = 0, start = ngx.now() }
    flights[login.hash] = flight
    flight.status = capture(login)
    flights[login.hash] = nil
    if flight.waiting > 0 then
        flight.landed:post(flight.waiting)
    end
    return flight.status
end

local function over_limit(login)
    return (failures:get(login.network) or 0) >= FAILURES
end

local function note_failure(login)
    wrong:set(login.hash, true)
    failures:incr(login.network, 1, 0, WINDOW)
    pairs_failed:set(login.pair, true, FAILED)
end

--- Whether this is the one login that its client and user name have over the limit. It is claimed before
-- the verification: of concurrent logins with different passwords only one is verified, and a name that
-- exists gets as many 401 as one that does not.
local function has_claim(login)
    login.claims = login.claims or pairs_failed:add(login.pair, login.hash, FAILED)
    return login.claims or pairs_failed:get(login.pair) == login.hash
end

--- Return the status of a login as far as it needs no verification, else nil.
--
-- Over the limit of its client, a login that has failed waits. One that has not is verified, so that who
-- has the right password gets in. A name that does not exist is not: invented names would take the turns
-- of others.
local function status_without_verifier(login)
    if verified:get(login.hash) then
        return ngx.HTTP_NO_CONTENT
    elseif wrong:get(login.hash) then
        return ngx.HTTP_UNAUTHORIZED
    elseif over_limit(login) and not has_claim(login) then
        return ngx.HTTP_TOO_MANY_REQUESTS
    elseif over_limit(login) and not credentials.knows(login.name) then
        note_failure(login)
        return ngx.HTTP_UNAUTHORIZED
    end
end

--- What other requests have found out while this one waited for its turn counts, too.
local function ask_in_turn(login)
    local status = status_without_verifier(login)
    if not status then
        status = ask(login)
        if status == ngx.HTTP_UNAUTHORIZED then
            note_failure(login)
        end
    end
    return status
end

local function status_of_untrusted(login)
    local start = ngx.now()
    local status = status_without_verifier(login)
        or turns.take(login.network, ask_in_turn, login)
    if login.claims and status ~= ngx.HTTP_UNAUTHORIZED then
        pairs_failed:delete(login.pair)
    end
    if status == ngx.HTTP_UNAUTHORIZED and over_limit(login) then
        ngx.sleep(BEAT - (ngx.now() - start) % BEAT)
    end
    return status
end

local function verify(login)
    login.network = client.network()
    login.pair = ngx.hmac_sha1(lasting_secret, login.network .. login.name)
    local trust = ngx.hmac_sha1(lasting_secret, login.text)
    local status = trusted:get(trust) and ask(login) or status_of_untrusted(login)
    if status == ngx.HTTP_NO_CONTENT then
        verified:set(login.hash, true, remember)
        trusted:set(trust, true, TRUSTED)
    elseif status == ngx.HTTP_UNAUTHORIZED then
        wrong:set(login.hash, true)
        return challenge()
    elseif status == ngx.HTTP_TOO_MANY_REQUESTS then
        return refuse(login.network)
    else
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
end

--- Let the request pass if its user and password are right, else answer it.
function M.check()
    local name, password = credentials.read(lasting_secret)
    if not name then
        return challenge()
    end
    local text = name .. ":" .. password
    local hash = ngx.hmac_sha1(secret, text)
    if wrong:get(hash) then
        return challenge()
    elseif not verified:get(hash) then
        verify({ name = name, password = password, text = text, hash = hash })
    end
end

return M
