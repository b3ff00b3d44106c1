trace sh -c 'date | cat | wc -l'
