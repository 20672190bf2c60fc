apt update
apt upgrade
systemctl restart nginx
