internal import WeftModel

/// Which routes are attached to which service ports.
struct RouteAttachments {
    private let byService: [ServiceName: [HTTPRoute]]

    init(routes: [HTTPRoute]) {
        var byService: [ServiceName: [HTTPRoute]] = [:]
        for route in routes {
            // Only the owner of a service routes its calls: routes of other namespaces are refused when read.
            for service in Set(route.parents.map(\.service)) where service.namespace == route.metadata.namespace {
                byService[service, default: []].append(route)
            }
        }
        self.byService = byService
    }

    /// The routes of one port, in no particular order. `portName` is the port's own name.
    func routes(of port: ServicePort, portName: String) -> [HTTPRoute] {
        (self.byService[port.service] ?? []).filter { route in
            route.parents.contains { parent in
                parent.service == port.service && (parent.port ?? port.port) == port.port
                    && (parent.portName ?? portName) == portName
            }
        }
    }
}
