-- The latency of S3, for benchmarks: a request waits for `txn.latency` milliseconds.

core.register_action("wait", { "http-req" }, function(txn)
    core.msleep(tonumber(txn:get_var("txn.latency")))
end)
