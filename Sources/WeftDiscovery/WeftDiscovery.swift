// WeftDiscovery
