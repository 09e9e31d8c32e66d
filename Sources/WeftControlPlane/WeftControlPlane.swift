// WeftControlPlane
