--- One question for all requests that wait for its answer.
--
-- When hundreds of servers pull one image, one question serves all requests that came before it was asked, and
-- none that came later: these wait for the next one. So no answer is older than the request that it is for.

local semaphore = require "ngx.semaphore"

--- Seconds to wait for a question of another request; after that each request asks by itself.
local PATIENCE = 10

local M = {}

--- Questions of this worker by name: asked and not answered, and those to be asked after them.
local asked, coming = {}, {}

--- Whether a request can still wait for a question: the client that asked it may have gone.
local function lives(question)
    return question and ngx.now() - question.start < PATIENCE
end

local function wait_for(question)
    question.waiting = question.waiting + 1
    question.answered:wait(PATIENCE)
    return question.answer
end

--- Return the answer of `find(...)`, shared by requests with the same name; an answer is never nil.
function M.ask(name, find, ...)
    if lives(coming[name]) then
        local answer = wait_for(coming[name])
        if answer == nil then
            answer = find(...)
        end
        return answer
    end
    local question = { answered = semaphore.new(), waiting = 0, start = ngx.now() }
    coming[name] = question
    if lives(asked[name]) then
        wait_for(asked[name])
    end
    if coming[name] == question then
        coming[name] = nil
    end
    asked[name] = question
    question.answer = find(...)
    if asked[name] == question then
        asked[name] = nil
    end
    if question.waiting > 0 then
        question.answered:post(question.waiting)
    end
    return question.answer
end

return M
