// WeftIdentity
