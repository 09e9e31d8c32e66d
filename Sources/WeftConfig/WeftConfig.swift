// WeftConfig
