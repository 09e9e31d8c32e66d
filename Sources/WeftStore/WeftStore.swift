// WeftStore
