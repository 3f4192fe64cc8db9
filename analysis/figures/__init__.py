def draw(folder, figures): pass
