sudo snap refresh
sudo ufw status
