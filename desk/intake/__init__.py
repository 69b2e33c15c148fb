"""What people report, by whatever door: kept as a request, which becomes or joins the case of its device."""
