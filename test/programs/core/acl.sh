#!/bin/bash
# access control lists of POSIX
mkdir d; setfacl -m u:1000:r,g:1001:rwx d; getfacl -c d; setfacl -d -m u:1000:rw d; touch d/f; getfacl -c d/f; ls -ld d | cut -c1-11; setpriv --reuid 1000 --regid 1000 --clear-groups ls d; setfacl -b d; getfacl -c d
