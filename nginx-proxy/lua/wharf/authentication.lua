--- Authentication: a password or a proof of identity is verified once, and then remembered for a while.
--
-- bcrypt is slow on purpose and blocks the process that computes it. So a second nginx, the verifier,
-- computes it. This module remembers each result under a keyed hash, and keeps no password.

local client = require "wharf.client"
local credentials = require "wharf.credentials"
local metrics = require "wharf.metrics"
local proofs = require "wharf.proofs"
local settings = require "wharf.settings"
local turns = require "wharf.turns"
local semaphore = require "ngx.semaphore"

--- Distinct wrong passwords of one client within WINDOW seconds, after which its wrong logins wait.
local FAILURES = 10
local WINDOW = 30
--- Seconds for which a client and a user name are remembered as having failed together.
local FAILED = 3600
--- Seconds before a 429, so that a client over its limit is slow, too.
local PENALTY = 1
--- Maximum number of 429 that one worker delays at a time; further ones are sent immediately.
local HELD = 200
--- While a client is over its limit, its next 401 comes at a multiple of these seconds: longer than a
--- verification takes, so the duration does not tell which names were verified.
local BEAT = 2
--- Seconds that the verifier has for a response.
local PATIENCE = 10
--- Seconds for which a good password is exempt from the limit of its client: behind one address there
--- may be hundreds of servers, and one of them has a wrong password.
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
--- lets nobody in, it only permits a verification.
local lasting_secret
--- Seconds that a good password is remembered.
local remember

--- Verifications under way in this worker, by hash: a storm of one user is verified once.
local flights = {}
local held = 0

--- Read the settings; nginx calls this at start and at each reload.
function M.init()
    credentials.init()
    proofs.init()
    local random = assert(io.open("/dev/urandom", "rb"))
    secret = random:read(32)
    trusted:safe_add("secret", random:read(32))
    random:close()
    lasting_secret = trusted:get("secret")
    remember = settings.number("NGINX_REMEMBER_SECONDS")
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

--- Return the verifier's status for a name and a password.
local function capture(login)
    if login.is_proof then
        return proofs.verify(login)
    end
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

--- Return the status of a login; concurrent requests with the same name and password share one verification.
local function ask(login)
    local flight = flights[login.hash]
    if flight and ngx.now() - flight.start < PATIENCE then
        flight.waiting = flight.waiting + 1
        flight.landed:wait(PATIENCE)
        login.identity = flight.identity
        return flight.status
    end
    flight = { landed = semaphore.new(), waiting = 0, start = ngx.now() }
    flights[login.hash] = flight
    flight.status = capture(login)
    flight.identity = login.identity
    flights[login.hash] = nil
    if flight.waiting > 0 then
        flight.landed:post(flight.waiting)
    end
    return flight.status
end

local function over_limit(login)
    return (failures:get(login.network) or 0) >= FAILURES
end

--- A proof may become good: the next key of its issuer is fetched, or a clock is put right.
local function remember_wrong(login)
    wrong:set(login.hash, true, login.is_proof and remember or 0)
end

local function note_failure(login)
    remember_wrong(login)
    failures:incr(login.network, 1, 0, WINDOW)
    pairs_failed:set(login.pair, true, FAILED)
end

--- Return whether this login is the only one that its client and user name have over the limit. It is claimed
-- before the verification: of concurrent logins with different passwords only one is verified, and a name that
-- exists gets as many 401 as one that does not.
local function has_claim(login)
    login.claims = login.claims or pairs_failed:add(login.pair, login.hash, FAILED)
    return login.claims or pairs_failed:get(login.pair) == login.hash
end

--- Return the status of a login as far as it needs no verification, else nil.
--
-- Over the limit of its client, a login that has failed before waits. A login that has not failed is
-- verified, so that a client with the right password gets in. A name that does not exist is not verified:
-- invented names would take the turns of others. Nor is a proof that takes a request to STS: no name tells
-- whose proof it is.
local function status_without_verifier(login)
    local known = verified:get(login.hash)
    if known then
        login.identity = login.is_proof and known
        return ngx.HTTP_NO_CONTENT
    elseif wrong:get(login.hash) then
        return ngx.HTTP_UNAUTHORIZED
    elseif login.is_proof then
        return over_limit(login) and proofs.is_costly(login) and ngx.HTTP_TOO_MANY_REQUESTS or nil
    elseif over_limit(login) and not has_claim(login) then
        return ngx.HTTP_TOO_MANY_REQUESTS
    elseif over_limit(login) and not credentials.knows(login.name) then
        note_failure(login)
        return ngx.HTTP_UNAUTHORIZED
    end
end

--- Verify a login in its turn, unless another request has verified it while this request waited.
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
        or turns.take(login.is_proof and login.name or "password", login.network, ask_in_turn, login)
    if login.claims and status ~= ngx.HTTP_UNAUTHORIZED then
        pairs_failed:delete(login.pair)
    end
    if status == ngx.HTTP_UNAUTHORIZED and over_limit(login) then
        ngx.sleep(BEAT - (ngx.now() - start) % BEAT)
    end
    return status
end

--- Remember a good login: a proof until its end at most.
local function remember_right(login)
    local seconds = login.is_proof and math.min(remember, proofs.lasts(login.identity)) or remember
    -- nginx counts milliseconds, and 0 would be for ever.
    if seconds >= 0.001 then
        verified:set(login.hash, login.identity or true, seconds)
    end
end

--- Return the status of a login that was good before. Proofs differ: a bad proof of the same key ends the trust.
local function status_of_trusted(login, trust)
    local status = ask(login)
    if login.is_proof and status == ngx.HTTP_UNAUTHORIZED then
        trusted:delete(trust)
        note_failure(login)
    end
    return status
end

local function verify(login)
    login.network = client.network()
    if login.is_proof then
        -- Bad proofs of one kind keep neither passwords out nor proofs of the other kind.
        -- A password's text does not begin with a colon.
        login.trust = ":" .. login.network .. proofs.signer(login)
        login.network = login.network .. " " .. login.name
    end
    login.pair = ngx.hmac_sha1(lasting_secret, login.network .. login.name)
    local trust = ngx.hmac_sha1(lasting_secret, login.trust or login.text)
    local status = trusted:get(trust) and status_of_trusted(login, trust) or status_of_untrusted(login)
    metrics.count_login(login.is_proof and login.name or "password", status)
    if status == ngx.HTTP_NO_CONTENT then
        remember_right(login)
        trusted:set(trust, true, TRUSTED)
    elseif status == ngx.HTTP_UNAUTHORIZED then
        remember_wrong(login)
        return challenge()
    elseif status == ngx.HTTP_TOO_MANY_REQUESTS then
        return refuse(login.network)
    else
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
end

--- Let the request pass if its user and password are right, else respond to it.
function M.check()
    local name, password = credentials.read(lasting_secret)
    if not name then
        return challenge()
    end
    local text = name .. ":" .. password
    local hash = ngx.hmac_sha1(secret, text)
    local is_proof = proofs.has_kind(name)
    local login = { name = name, password = password, text = text, hash = hash, is_proof = is_proof }
    if wrong:get(hash) then
        return challenge()
    end
    local known = verified:get(hash)
    if not known then
        verify(login)
    end
    if is_proof then
        proofs.adopt(known or login.identity)
    end
end

return M
