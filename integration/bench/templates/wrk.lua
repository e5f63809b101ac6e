-- For wrk: GET with the Authorization header of the environment; the summary in JSON.
-- With FLOOD set each request has another wrong password.

local authorization = os.getenv("BENCH_AUTHORIZATION")
local flood = os.getenv("BENCH_FLOOD")
-- Of base64; "YmVuY2g6" is "bench:".
local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

function init()
    math.randomseed(os.time())
    wrk.headers["Authorization"] = authorization
end

function request()
    if flood then
        local guess = {}
        for place = 1, 16 do
            local letter = math.random(#LETTERS)
            guess[place] = LETTERS:sub(letter, letter)
        end
        wrk.headers["Authorization"] = "Basic YmVuY2g6" .. table.concat(guess)
    end
    return wrk.format()
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"seconds":%f,"requests":%d,"refused":%d,"failed":%d,"slowest_ms":%f}\n',
        summary.duration / 1e6, summary.requests, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, latency.max / 1e3))
end
