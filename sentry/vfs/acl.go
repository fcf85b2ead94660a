package vfs

// IsACL reports whether name is the extended attribute of an access control list (acl(5)).
func IsACL(name string) bool {
	return name == aclAccess || name == aclDefault
}

const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
)
