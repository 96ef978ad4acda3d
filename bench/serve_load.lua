-- wrk's side of bench/serve_load: posts BODY (a file) and checks every answer.
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()

local expected = os.getenv("LABEL")
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init() wrong, refused = 0, 0 end

function response(status, _, body)
  if status == 503 or status == 429 then
    refused = refused + 1
  elseif status ~= 200 or not body:find(expected, 1, true) then
    wrong = wrong + 1
  end
end

function done(summary, latency)
  local wrong, refused = 0, 0
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("wrong")
    refused = refused + thread:get("refused")
  end
  local errors = summary.errors
  io.write(string.format("RESULT %.0f %.3f %.3f %.3f %d %d %d %d\n",
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000, wrong, refused,
    errors.connect + errors.read + errors.write, errors.timeout))
end
