// WeftTraffic
