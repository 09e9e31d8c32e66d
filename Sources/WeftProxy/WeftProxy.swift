// WeftProxy
