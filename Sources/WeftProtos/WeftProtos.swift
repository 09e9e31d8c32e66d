// WeftProtos
