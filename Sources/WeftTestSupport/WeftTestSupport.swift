// WeftTestSupport
