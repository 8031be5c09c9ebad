import HTTP

/// Serves `case "PUT /incidents/{}":` in a switch over a call.
func ~= (route: HTTPRoutePattern, call: APICall) -> Bool {
    route.matches(method: call.method, segments: call.segments)
}

func ~= (route: HTTPRoutePattern, call: PagerDutyCall) -> Bool { route ~= call.call }
