--- Who sends a request: a password is verified once, and then remembered for a while.
--
-- bcrypt is slow on purpose, and would block whatever computes it. So the verifier, an nginx of its
-- own, does; this remembers its answers under a keyed hash, so that no password is kept anywhere.

local semaphore = require "ngx.semaphore"

--- Failures of one client address within WINDOW seconds, after which it is told to wait.
local FAILURES = 10
local WINDOW = 30
--- Seconds that a client that has been told to wait waits for that answer, too.
local PENALTY = 1
--- How many of them one worker holds at a time; beyond, the answer comes at once.
local HELD = 200
--- Seconds that the verifier has for an answer.
local PATIENCE = 10
--- Passwords not known to be good that one worker has verified at a time: so many can pass the
--- limit of failures together, and the verifier is kept free for others.
local GATE = 4
--- Seconds for which a good password is not held to the limit of its address: behind one address
--- there may be hundreds of servers, of which one has a wrong password.
local TRUSTED = 3600

local verified = ngx.shared.verified
local trusted = ngx.shared.trusted
local failures = ngx.shared.failures

local M = {}

--- Key of the hash. It is made anew with each configuration: with another users file, everything
--- that was remembered is forgotten.
local secret
--- Key of the hash of trusted passwords, which outlives the configuration: trust lets nobody in, it
--- only lets the verifier be asked.
local trust_secret
--- Seconds that a good password is remembered.
local remember

--- Verifications under way in this worker, by hash: a storm of one user is verified once.
local flights = {}
local gate
local held = 0

--- Read the settings; nginx calls this at start and at each reload.
function M.init()
    local random = assert(io.open("/dev/urandom", "rb"))
    secret = random:read(32)
    trusted:safe_add("secret", random:read(32))
    random:close()
    trust_secret = trusted:get("secret")
    remember = tonumber(os.getenv("NGINX_REMEMBER_SECONDS") or "60")
end

local function challenge()
    ngx.header["WWW-Authenticate"] = 'Basic realm="Registry"'
    return ngx.exit(ngx.HTTP_UNAUTHORIZED)
end

local function refuse(address)
    if held < HELD then
        held = held + 1
        ngx.sleep(PENALTY)
        held = held - 1
    end
    ngx.header["Retry-After"] = math.ceil(math.max(failures:ttl(address) or 0, 1))
    return ngx.exit(ngx.HTTP_TOO_MANY_REQUESTS)
end

--- The verifier's status for the credentials of this request.
local function ask(hash)
    local flight = flights[hash]
    if flight and ngx.now() - flight.start < PATIENCE then
        flight.waiting = flight.waiting + 1
        flight.landed:wait(PATIENCE)
        return flight.status
    end
    flight = { landed = semaphore.new(), waiting = 0, start = ngx.now() }
    flights[hash] = flight
    flight.status = ngx.location.capture("/.verify").status
    flights[hash] = nil
    if flight.waiting > 0 then
        flight.landed:post(flight.waiting)
    end
    return flight.status
end

local function over_limit(address)
    return (failures:get(address) or 0) >= FAILURES
end

--- The same for a password that is not trusted, unless its address has failed too often by then.
local function ask_in_turn(hash, address)
    gate = gate or semaphore.new(GATE)
    if not gate:wait(PATIENCE) then
        return ngx.HTTP_SERVICE_UNAVAILABLE
    end
    local status
    if verified:get(hash) then
        status = ngx.HTTP_NO_CONTENT
    elseif over_limit(address) then
        status = ngx.HTTP_TOO_MANY_REQUESTS
    else
        -- Whatever goes wrong, the gate has to be opened again.
        local fine, answer = pcall(ask, hash)
        status = fine and answer or ngx.HTTP_SERVICE_UNAVAILABLE
        if status == ngx.HTTP_UNAUTHORIZED then
            failures:incr(address, 1, 0, WINDOW)
        end
    end
    gate:post(1)
    return status
end

local function verify(hash, header)
    local address = ngx.var.binary_remote_addr
    local trust = ngx.hmac_sha1(trust_secret, header)
    local status
    if trusted:get(trust) then
        status = ask(hash)
    elseif over_limit(address) then
        status = ngx.HTTP_TOO_MANY_REQUESTS
    else
        status = ask_in_turn(hash, address)
    end
    if status == ngx.HTTP_NO_CONTENT then
        verified:set(hash, true, remember)
        trusted:set(trust, true, TRUSTED)
    elseif status == ngx.HTTP_UNAUTHORIZED then
        return challenge()
    elseif status == ngx.HTTP_TOO_MANY_REQUESTS then
        return refuse(address)
    else
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
end

--- Let the request pass if its user and password are right, else answer it.
function M.check()
    local header = ngx.var.http_authorization
    if not header then
        return challenge()
    end
    local hash = ngx.hmac_sha1(secret, header)
    if not verified:get(hash) then
        verify(hash, header)
    end
end

return M
