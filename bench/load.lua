-- The load on one server: the bytes of args[1], args[2] times in one write. They are made once, not for every request.
function wrk.init(args)
  local load = string.rep(args[1], tonumber(args[2]))
  wrk.request = function() return load end
end
