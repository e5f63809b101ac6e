--- Would the registry deliver this layer now? Asked once for all who wait for the answer.
--
-- The registry asks S3 several times before it knows. When hundreds of servers pull one image, one
-- question does for all of them that were there before it was asked, and for none that came later:
-- they wait for the next one. So no answer is older than the request that it is for.

local semaphore = require "ngx.semaphore"

--- Seconds to wait for a question of another request; after that each asks by itself.
local PATIENCE = 10

local M = {}

--- Questions of this worker by path: asked and not answered, and those to be asked after them.
local asked, coming = {}, {}

local function capture(path, method)
    return ngx.location.capture("/.registry" .. path, { method = method })
end

--- Whether it can still be waited for: whoever asked it may have gone.
local function lives(question)
    return question and ngx.now() - question.start < PATIENCE
end

local function wait_for(question)
    question.waiting = question.waiting + 1
    question.answered:wait(PATIENCE)
    return question.answer
end

--- The registry's answer, as `ngx.location.capture` gives it.
function M.ask(path, method)
    if lives(coming[path]) then
        return wait_for(coming[path]) or capture(path, method)
    end
    local question = { answered = semaphore.new(), waiting = 0, start = ngx.now() }
    coming[path] = question
    if lives(asked[path]) then
        wait_for(asked[path])
    end
    if coming[path] == question then
        coming[path] = nil
    end
    asked[path] = question
    question.answer = capture(path, method)
    if asked[path] == question then
        asked[path] = nil
    end
    if question.waiting > 0 then
        question.answered:post(question.waiting)
    end
    return question.answer
end

return M
